import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.collect.ImmutableList;
import io.trino.Session;
import io.trino.execution.QueryIdGenerator;
import io.trino.operator.Driver;
import io.trino.operator.TaskContext;
import io.trino.plugin.hive.HiveConnectorFactory;
import io.trino.plugin.hive.HiveType;
import io.trino.plugin.hive.metastore.Column;
import io.trino.plugin.hive.metastore.Database;
import io.trino.plugin.hive.metastore.PrincipalPrivileges;
import io.trino.plugin.hive.metastore.StorageFormat;
import io.trino.plugin.hive.metastore.Table;
import io.trino.plugin.hive.metastore.file.FileHiveMetastore;
import io.trino.spi.security.PrincipalType;
import io.trino.testing.LocalQueryRunner;
import io.trino.testing.MaterializedResult;
import io.trino.testing.MaterializedRow;
import io.trino.testing.NullOutputOperator;
import io.trino.testing.TestingSession;
import io.trino.testing.TestingTaskContext;

import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Trino, the engine behind Athena, on tables as the template declares them. Each line of standard input is a request
 * in JSON, each line of standard output its answer.
 */
public class Engine {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final QueryIdGenerator IDS = new QueryIdGenerator();
    private static final String CATALOG = "awsdatacatalog";

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        // Libraries talk on standard output, too.
        System.setOut(System.err);
        LocalQueryRunner runner = null;
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = requests.readLine()) != null; ) {
            JsonNode request = JSON.readTree(line);
            Object answer;
            try {
                List<Object> rows = List.of();
                if (request.has("tables")) {
                    if (runner != null) {
                        runner.close();
                    }
                    runner = open(request);
                } else if (request.has("scan")) {
                    rows = List.of(List.of(scanned(runner, request.get("scan").asText())));
                } else {
                    rows = rows(runner.execute(session(runner), request.get("sql").asText()));
                }
                answer = Map.of("rows", rows);
            } catch (RuntimeException error) {
                error.printStackTrace();
                answer = Map.of("error", String.valueOf(error.getMessage()));
            }
            answers.println(JSON.writeValueAsString(answer));
            answers.flush();
        }
        // Its threads would go on.
        System.exit(0);
    }

    /** The runner's session, which knows the catalog, with an id for this query alone. */
    private static Session session(LocalQueryRunner runner) {
        return Session.builder(runner.getDefaultSession()).setQueryId(IDS.createNextQueryId()).build();
    }

    private static LocalQueryRunner open(JsonNode request) {
        File metastore = new File(request.get("metastore").asText());
        String schema = request.get("schema").asText();
        FileHiveMetastore tables = FileHiveMetastore.createTestingFileHiveMetastore(metastore);
        tables.createDatabase(Database.builder()
                .setDatabaseName(schema)
                .setOwnerName(Optional.of("public"))
                .setOwnerType(Optional.of(PrincipalType.ROLE))
                .build());
        for (JsonNode table : request.get("tables")) {
            tables.createTable(table(schema, table), PrincipalPrivileges.NO_PRIVILEGES);
        }
        LocalQueryRunner runner = LocalQueryRunner.create(
                TestingSession.testSessionBuilder().setCatalog(CATALOG).setSchema(schema).build());
        runner.createCatalog(CATALOG, new HiveConnectorFactory(), Map.of(
                "hive.metastore", "file",
                // Written just now by the same code, under another name.
                "hive.metastore.version-compatibility", "UNSAFE_ASSUME_COMPATIBILITY",
                "hive.metastore.catalog.dir", metastore.toURI().toString(),
                "hive.parquet.time-zone", "UTC",
                "hive.partition-projection-enabled", "true",
                // A day without records has no folder, as it has no prefix in S3.
                "hive.ignore-absent-partitions", "true",
                "hive.security", "allow-all"));
        return runner;
    }

    private static Table table(String schema, JsonNode input) {
        JsonNode storage = input.get("StorageDescriptor");
        boolean isView = input.get("TableType").asText().equals("VIRTUAL_VIEW");
        Map<String, String> parameters = new HashMap<>();
        input.get("Parameters").fields().forEachRemaining(one -> parameters.put(one.getKey(), one.getValue().asText()));
        parameters.put("EXTERNAL", "TRUE");
        Table.Builder table = Table.builder()
                .setDatabaseName(schema)
                .setTableName(input.get("Name").asText())
                .setTableType(input.get("TableType").asText())
                .setOwner(Optional.of("public"))
                .setDataColumns(columns(storage.get("Columns")))
                .setPartitionColumns(columns(input.get("PartitionKeys")))
                .setParameters(parameters);
        if (isView) {
            table.setViewOriginalText(Optional.of(input.get("ViewOriginalText").asText()));
            table.setViewExpandedText(Optional.of(input.get("ViewExpandedText").asText()));
            table.withStorage(builder -> builder.setStorageFormat(StorageFormat.VIEW_STORAGE_FORMAT).setLocation(""));
        } else {
            table.withStorage(builder -> builder
                    .setLocation(storage.get("Location").asText())
                    .setStorageFormat(StorageFormat.create(
                            storage.get("SerdeInfo").get("SerializationLibrary").asText(),
                            storage.get("InputFormat").asText(),
                            storage.get("OutputFormat").asText())));
        }
        return table.build();
    }

    private static List<Column> columns(JsonNode columns) {
        ImmutableList.Builder<Column> all = ImmutableList.builder();
        if (columns != null) {
            for (JsonNode column : columns) {
                all.add(new Column(
                        column.get("Name").asText(), HiveType.valueOf(column.get("Type").asText()), Optional.empty()));
            }
        }
        return all.build();
    }

    private static List<Object> rows(MaterializedResult result) {
        List<Object> rows = new ArrayList<>();
        for (MaterializedRow row : result.getMaterializedRows()) {
            List<Object> fields = new ArrayList<>();
            row.getFields().forEach(field -> fields.add(plain(field)));
            rows.add(fields);
        }
        return rows;
    }

    /** Bytes that a query reads from files. */
    private static long scanned(LocalQueryRunner runner, String sql) {
        return runner.inTransaction(session(runner), session -> {
            TaskContext task = TestingTaskContext.createTaskContext(runner.getExecutor(), runner.getScheduler(), session);
            List<Driver> drivers = runner.createDrivers(session, sql, new NullOutputOperator.NullOutputFactory(), task);
            boolean isDone = false;
            while (!isDone) {
                isDone = true;
                for (Driver driver : drivers) {
                    if (!driver.isFinished()) {
                        driver.processForNumberOfIterations(1);
                        isDone = false;
                    }
                }
            }
            return task.getTaskStats().getPhysicalInputDataSize().toBytes();
        });
    }

    private static Object plain(Object value) {
        if (value instanceof LocalDateTime) {
            return Map.of("timestamp", value.toString());
        }
        if (value instanceof BigDecimal number) {
            return number.doubleValue();
        }
        if (value instanceof List<?> list) {
            List<Object> elements = new ArrayList<>();
            list.forEach(element -> elements.add(plain(element)));
            return elements;
        }
        return value;
    }
}
