import json
import sys

import duckdb

request = json.load(sys.stdin)
connection = duckdb.connect()
try:
    connection.execute(request["lake"])
    connection.execute(request["bind"], request["values"])
    connection.execute(request["statements"])
except duckdb.Error as error:
    sys.exit(str(error))
