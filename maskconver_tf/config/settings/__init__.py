"""Lists every setting that Gin can reach, without importing what takes it."""
