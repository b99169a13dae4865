"""One reader for each raw format: checked files in, raw images and labels out, in file order."""
