"""The TypeScript artifact as it is measured: its builds, and what asks them."""
