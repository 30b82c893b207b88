"""Prints each row of an SQLite table as one line of JSON with sorted keys, in no order.

    python3 dump_rows.py FILE TABLE                the columns of each row
    python3 dump_rows.py --documents FILE TABLE    the JSON document that harvest stored in the column `doc`

Source and copy are equal when the sorted outputs are. Uses the standard library only, and nothing of harvest.
"""

import json
import sqlite3
import sys


def rows(database, table):
    cursor = database.execute(f'SELECT * FROM "{table}"')
    columns = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(columns, row))


def documents(database, table):
    for key, doc in database.execute(f'SELECT key, doc FROM "{table}"'):
        document = json.loads(doc)
        if str(document["id"]) != str(key):
            sys.exit(f"the row of key {key!r} holds the document of {document['id']!r}")
        yield document


def main():
    arguments = sys.argv[1:]
    read = rows
    if arguments[:1] == ["--documents"]:
        read = documents
        arguments = arguments[1:]
    file, table = arguments
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    for row in read(database, table):
        print(json.dumps(row, sort_keys=True))


if __name__ == "__main__":
    main()
