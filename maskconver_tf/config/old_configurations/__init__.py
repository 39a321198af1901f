"""What old configurations of runs need: new names, and the defaults of their time."""
