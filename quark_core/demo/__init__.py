"""A small real network and its data, shipped so that the main job runs anywhere: handwritten digits, 8 x 8 pixels."""
