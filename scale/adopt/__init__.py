"""What was built by hand, brought under the program: settings that describe it, and an import file. It only reads."""
