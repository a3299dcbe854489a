"""Published claims, one file each: what is measured, what must come out, and a control that must fail."""
