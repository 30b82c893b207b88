"""Loads a Debian package index (the output of `apt-cache dumpavail`, on stdin) into an SQLite file.

    apt-cache dumpavail | python3 load_packages.py packages.sqlite

Prints the number of rows: one per package, version and architecture. The key reads like apt's own notation,
`bash=5.2.15-2+b7:amd64`. Uses the standard library only.
"""

import sqlite3
import sys

# Column and the field that it comes from.
TEXTS = {
    "name": "package",
    "version": "version",
    "architecture": "architecture",
    "section": "section",
    "priority": "priority",
    "maintainer": "maintainer",
    "description": "description",
    "homepage": "homepage",
    "depends": "depends",
    "tags": "tag",
}
NUMBERS = {"size": "size", "installed_kb": "installed-size"}


def stanzas(lines):
    """Yields one dict per stanza; a line that starts with a blank continues the field above it."""
    fields, name = {}, None
    for line in lines:
        line = line.rstrip("\n")
        if not line:
            if fields:
                yield fields
            fields, name = {}, None
        elif line[0].isspace():
            fields[name] += "\n" + line.strip()
        else:
            name, _, value = line.partition(":")
            name = name.lower()
            fields[name] = value.strip()
    if fields:
        yield fields


def row(fields):
    key = "{package}={version}:{architecture}".format(**fields)
    texts = [fields.get(field) for field in TEXTS.values()]
    numbers = [int(fields[field]) if field in fields else None for field in NUMBERS.values()]
    return [key, *texts, *numbers]


def main():
    columns = ["id TEXT PRIMARY KEY"]
    columns += [f"{name} TEXT" for name in TEXTS]
    columns += [f"{name} INTEGER" for name in NUMBERS]
    places = ", ".join("?" * len(columns))
    database = sqlite3.connect(sys.argv[1])
    with database:
        database.execute("DROP TABLE IF EXISTS packages")
        database.execute(f"CREATE TABLE packages ({', '.join(columns)})")
        # Two sources can offer the same package; the first one counts.
        database.executemany(f"INSERT OR IGNORE INTO packages VALUES ({places})", map(row, stanzas(sys.stdin)))
    (count,) = database.execute("SELECT count(*) FROM packages").fetchone()
    print(count)


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    main()
