import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.Session;
import io.trino.execution.QueryInfo;
import io.trino.filesystem.local.LocalFileSystemFactory;
import io.trino.metastore.Column;
import io.trino.metastore.Database;
import io.trino.metastore.HiveType;
import io.trino.metastore.PrincipalPrivileges;
import io.trino.metastore.StorageFormat;
import io.trino.metastore.Table;
import io.trino.plugin.hive.HivePlugin;
import io.trino.plugin.hive.metastore.file.FileHiveMetastore;
import io.trino.plugin.hive.metastore.file.FileHiveMetastoreConfig;
import io.trino.spi.NodeVersion;
import io.trino.spi.QueryId;
import io.trino.spi.security.PrincipalType;
import io.trino.spi.type.SqlDecimal;
import io.trino.spi.type.SqlTimestamp;
import io.trino.spi.type.Type;
import io.trino.testing.MaterializedResult;
import io.trino.testing.MaterializedRow;
import io.trino.testing.StandaloneQueryRunner;
import io.trino.testing.TestingSession;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Trino, the engine behind Athena, on the tables that the template declares. Each line of standard input is a request
 * in JSON, and each line of standard output is its answer.
 */
public class Engine {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CATALOG = "awsdatacatalog";

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        // Libraries write to standard output, too.
        System.setOut(System.err);
        StandaloneQueryRunner runner = null;
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = requests.readLine()) != null; ) {
            JsonNode request = JSON.readTree(line);
            Object answer;
            try {
                List<Object> rows = List.of();
                List<String> columns = List.of();
                List<String> types = List.of();
                if (request.has("tables")) {
                    if (runner != null) {
                        runner.close();
                    }
                    runner = open(request);
                } else if (request.has("version")) {
                    String version = StandaloneQueryRunner.class.getPackage().getImplementationVersion();
                    rows = List.of(List.of(version, Runtime.version().feature()));
                } else if (request.has("scan")) {
                    rows = List.of(List.of(scanned(runner, request.get("scan").asText())));
                } else {
                    MaterializedResult result = runner.execute(request.get("sql").asText());
                    columns = result.getColumnNames();
                    types = result.getTypes().stream().map(Type::getDisplayName).toList();
                    rows = rows(result);
                }
                answer = Map.of("rows", rows, "columns", columns, "types", types);
            } catch (RuntimeException error) {
                error.printStackTrace();
                answer = Map.of("error", String.valueOf(error.getMessage()));
            }
            answers.println(JSON.writeValueAsString(answer));
            answers.flush();
        }
        // Trino's threads would keep running.
        System.exit(0);
    }

    private static StandaloneQueryRunner open(JsonNode request) {
        String metastore = Path.of(request.get("metastore").asText()).toUri().toString();
        String schema = request.get("schema").asText();
        FileHiveMetastore tables = new FileHiveMetastore(
                NodeVersion.UNKNOWN,
                new LocalFileSystemFactory(Path.of("/")),
                false,
                // A table without files has no folder, as it has no prefix in S3.
                new FileHiveMetastoreConfig().setCatalogDirectory(metastore).setDisableLocationChecks(true));
        tables.createDatabase(Database.builder()
                .setDatabaseName(schema)
                .setOwnerName(Optional.of("public"))
                .setOwnerType(Optional.of(PrincipalType.ROLE))
                .build());
        for (JsonNode table : request.get("tables")) {
            tables.createTable(table(schema, table), PrincipalPrivileges.NO_PRIVILEGES);
        }
        Session session = TestingSession.testSessionBuilder().setCatalog(CATALOG).setSchema(schema).build();
        StandaloneQueryRunner runner = new StandaloneQueryRunner(session);
        runner.installPlugin(new HivePlugin());
        runner.createCatalog(CATALOG, "hive", Map.of(
                "hive.metastore", "file",
                // The metastore was just written by the same code, under another version.
                "hive.metastore.version-compatibility", "UNSAFE_ASSUME_COMPATIBILITY",
                "hive.metastore.catalog.dir", metastore,
                "fs.local.enabled", "true",
                "local.location", "/",
                "hive.parquet.time-zone", "UTC",
                "hive.partition-projection-enabled", "true",
                // A day without records has no folder, as it has no prefix in S3.
                "hive.ignore-absent-partitions", "true",
                // This metastore has no statistics for projected partitions.
                "hive.table-statistics-enabled", "false",
                "hive.security", "allow-all"));
        return runner;
    }

    private static Table table(String schema, JsonNode input) {
        JsonNode storage = input.get("StorageDescriptor");
        boolean isView = input.get("TableType").asText().equals("VIRTUAL_VIEW");
        Map<String, String> parameters = new HashMap<>();
        input.get("Parameters").properties().forEach(one -> parameters.put(one.getKey(), one.getValue().asText()));
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
        List<Column> all = new ArrayList<>();
        if (columns != null) {
            for (JsonNode column : columns) {
                all.add(new Column(
                        column.get("Name").asText(), HiveType.valueOf(column.get("Type").asText()), Optional.empty(), Map.of()));
            }
        }
        return all;
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

    /** The number of bytes that a query reads from files. */
    private static long scanned(StandaloneQueryRunner runner, String sql) {
        QueryId id = runner.executeWithPlan(runner.getDefaultSession(), sql).queryId();
        // The tasks' final figures may arrive after the rows.
        CompletableFuture<QueryInfo> finished = new CompletableFuture<>();
        runner.getCoordinator().addFinalQueryInfoListener(id, finished::complete);
        return finished.join().getQueryStats().getPhysicalInputDataSize().toBytes();
    }

    private static Object plain(Object value) {
        if (value instanceof SqlTimestamp timestamp) {
            return Map.of("timestamp", timestamp.toLocalDateTime().toString());
        }
        if (value instanceof SqlDecimal number) {
            return number.toBigDecimal().doubleValue();
        }
        if (value instanceof List<?> list) {
            List<Object> elements = new ArrayList<>();
            list.forEach(element -> elements.add(plain(element)));
            return elements;
        }
        if (value == null || value instanceof String || value instanceof Number || value instanceof Boolean) {
            return value;
        }
        throw new IllegalArgumentException("no JSON form for " + value.getClass().getName());
    }
}
