import sys

# Not what happens to lie in the current folder.
sys.path[:] = [place for place in sys.path if place]

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
