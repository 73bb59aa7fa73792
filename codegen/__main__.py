"""Entry point of `python -m codegen` and of the console script."""

from codegen.cli import run

if __name__ == "__main__":
    run()
