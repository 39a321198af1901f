"""Finds the files of each picture and reads them."""
