"""Entry point of `python -m codegen` and of the console script."""

import gc
import sys


def run() -> None:
    """Run the command line; an interrupt while it is still loading is one line as well."""
    try:
        # Loading makes no garbage, and to look for it takes a tenth of the start-up.
        gc.disable()
        from codegen import cli  # noqa: PLC0415 - this is what the interrupt may hit

        gc.freeze()
        gc.enable()
        try:
            cli.run()
        finally:
            # Python looks for garbage once more before it ends, among all that goes anyway.
            gc.freeze()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing has begun\n")
        sys.exit(130)


if __name__ == "__main__":
    run()
