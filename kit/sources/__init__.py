"""Online: one module a place. Each gathers files and says what every place answered."""
