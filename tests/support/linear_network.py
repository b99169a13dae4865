"""A user's module with the quickest network there is, for whole studies that are trained."""

NETWORK = """
import jax.numpy as jnp

def linear():
    def init(key, channels, classes):
        return {"w": jnp.zeros((1024 * channels, classes))}
    def logits(params, images):
        return images.reshape(len(images), -1) @ params["w"]
    return init, logits
"""
