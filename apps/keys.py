"""Makes the key files of a server and its clients and says which file goes where."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from eventsim.errors import OutputError, ParameterError
from streams.curve_keys import check_key_name, make_key_files

SERVER = "server"


def make_keys(folder: Path, clients: Sequence[str] | None) -> int:
    """Write FOLDER/server/server.key* and FOLDER/clients/NAME.key*, and print what each is for.

    clients : names; None makes one, "client", and wants a folder without a server key. With names, a server
    key that is there already is kept.

    Raises OutputError where a file cannot be written or exists, ParameterError for a name not allowed.
    """
    names = ["client"] if clients is None else list(clients)
    if len(set(names)) < len(names):
        raise ParameterError(f"clients {', '.join(names)}: a name occurs twice")
    for name in names:
        check_key_name(name)
    server_folder, client_folder = folder / SERVER, folder / "clients"
    server_public = server_folder / f"{SERVER}.key"
    server_secret = server_folder / f"{SERVER}.key_secret"
    known = server_public.exists() and server_secret.exists()
    for name in names:
        for path in (client_folder / f"{name}.key", client_folder / f"{name}.key_secret"):
            if path.exists():
                raise OutputError(f"{path}: exists already; keys are never overwritten")
    if not known or clients is None:
        make_key_files(server_folder, SERVER)
    secrets = [make_key_files(client_folder, name)[1] for name in names]
    _explain(server_public, server_secret, client_folder, secrets)
    return 0


def _explain(public: Path, secret: Path, clients: Path, client_secrets: Sequence[Path]) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"sender, secret, stays with it:      {secret}")
    console.print(f"sender, public, goes to each client: {public}")
    console.print(f"clients allowed, stay with sender:   {clients} (their *.key files)")
    for path in client_secrets:
        console.print(f"client, secret, goes to it alone:    {path}")
    console.print()
    console.print(f"sender:  eventsim stream SOURCE --to tcp://*:PORT --keys {secret} --clients {clients}")
    console.print(
        f"client:  eventsim listen tcp://HOST:PORT --keys {client_secrets[0]} --server-key {public}"
    )
