"""``clinic`` and ``python -m clinic_server``."""

import gc


def main() -> None:
    """Run the command. What is imported stays: to seek rubbish in it took a fifth of every start."""
    gc.disable()
    from clinic_server.command import main as command  # noqa: PLC0415

    gc.enable()
    command()


if __name__ == "__main__":
    main()
