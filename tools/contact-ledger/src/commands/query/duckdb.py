import sys

# Do not import from the current folder.
sys.path[:] = [folder for folder in sys.path if folder]

import json

import duckdb

request = json.load(sys.stdin)
try:
    connection = duckdb.connect()
    connection.execute(request["lake"])
    connection.execute(request["bind"], request["values"])
    connection.execute(request["statements"])
except Exception as error:
    sys.exit(str(error))
