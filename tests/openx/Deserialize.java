import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.hive.formats.line.Column;
import io.trino.hive.formats.line.LineBuffer;
import io.trino.hive.formats.line.LineDeserializer;
import io.trino.hive.formats.line.openxjson.OpenXJsonDeserializerFactory;
import io.trino.metastore.HiveType;
import io.trino.metastore.type.ListTypeInfo;
import io.trino.metastore.type.MapTypeInfo;
import io.trino.metastore.type.PrimitiveTypeInfo;
import io.trino.metastore.type.StructTypeInfo;
import io.trino.metastore.type.TypeInfo;
import io.trino.spi.PageBuilder;
import io.trino.spi.block.Block;
import io.trino.spi.type.ArrayType;
import io.trino.spi.type.BigintType;
import io.trino.spi.type.BooleanType;
import io.trino.spi.type.DateType;
import io.trino.spi.type.DoubleType;
import io.trino.spi.type.IntegerType;
import io.trino.spi.type.MapType;
import io.trino.spi.type.RowType;
import io.trino.spi.type.SqlTimestamp;
import io.trino.spi.type.TimestampType;
import io.trino.spi.type.Type;
import io.trino.spi.type.TypeOperators;
import io.trino.spi.type.VarcharType;

import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs Trino's OpenX JSON deserializer on the lines of a file, for columns with Glue types: {@code Deserialize TABLE LINES}.
 * Each line of standard output is a row in JSON, or the reason why the line was refused. Every value has its type:
 * {@code {"bigint": 7}}, {@code {"timestamp": [<microseconds since 1970>, <picoseconds more>]}}.
 */
public class Deserialize {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeOperators OPERATORS = new TypeOperators();

    public static void main(String[] arguments) throws Exception {
        JsonNode table = JSON.readTree(Path.of(arguments[0]).toFile());
        List<Column> columns = new ArrayList<>();
        for (JsonNode column : table.get("columns")) {
            TypeInfo type = HiveType.valueOf(column.get("Type").asText()).getTypeInfo();
            columns.add(new Column(column.get("Name").asText(), trinoType(type), columns.size()));
        }
        Map<String, String> properties = new HashMap<>();
        table.get("properties").properties().forEach(one -> properties.put(one.getKey(), one.getValue().asText()));
        LineDeserializer deserializer = new OpenXJsonDeserializerFactory().create(columns, properties);

        try (PrintStream rows = new PrintStream(new BufferedOutputStream(System.out), false, StandardCharsets.UTF_8)) {
            for (byte[] line : lines(Files.readAllBytes(Path.of(arguments[1])))) {
                rows.println(JSON.writeValueAsString(row(deserializer, columns, line)));
            }
        }
    }

    private static List<byte[]> lines(byte[] file) {
        List<byte[]> lines = new ArrayList<>();
        for (int start = 0, end = 0; end < file.length; end++) {
            if (file[end] == '\n') {
                lines.add(Arrays.copyOfRange(file, start, end));
                start = end + 1;
            }
        }
        return lines;
    }

    private static Map<String, Object> row(LineDeserializer deserializer, List<Column> columns, byte[] line) {
        PageBuilder page = new PageBuilder(1, deserializer.getTypes());
        try {
            LineBuffer buffer = new LineBuffer(1, Math.max(1, line.length));
            buffer.write(line, 0, line.length);
            deserializer.deserialize(buffer, page);
        } catch (Exception error) {
            return Map.of("error", String.valueOf(error.getMessage()));
        }
        Map<String, Object> row = new HashMap<>();
        for (int place = 0; place < columns.size(); place++) {
            Block block = page.getBlockBuilder(place).build();
            if (block.getPositionCount() != 1) {
                throw new IllegalStateException(
                        columns.get(place).name() + " has " + block.getPositionCount() + " values");
            }
            Type type = columns.get(place).type();
            row.put(columns.get(place).name(), value(type, type.getObjectValue(block, 0)));
        }
        return Map.of("row", row);
    }

    private static Type trinoType(TypeInfo type) {
        return switch (type) {
            case PrimitiveTypeInfo primitive -> switch (primitive.getPrimitiveCategory()) {
                case BOOLEAN -> BooleanType.BOOLEAN;
                case INT -> IntegerType.INTEGER;
                case LONG -> BigintType.BIGINT;
                case DOUBLE -> DoubleType.DOUBLE;
                case STRING -> VarcharType.VARCHAR;
                case DATE -> DateType.DATE;
                // The highest precision, so that nothing is rounded here.
                case TIMESTAMP -> TimestampType.TIMESTAMP_NANOS;
                default -> throw new IllegalArgumentException("trinoType has no type for " + type);
            };
            case ListTypeInfo list -> new ArrayType(trinoType(list.getListElementTypeInfo()));
            case MapTypeInfo map ->
                    new MapType(trinoType(map.getMapKeyTypeInfo()), trinoType(map.getMapValueTypeInfo()), OPERATORS);
            case StructTypeInfo struct -> {
                List<RowType.Field> fields = new ArrayList<>();
                for (int place = 0; place < struct.getAllStructFieldNames().size(); place++) {
                    fields.add(RowType.field(
                            struct.getAllStructFieldNames().get(place),
                            trinoType(struct.getAllStructFieldTypeInfos().get(place))));
                }
                yield RowType.from(fields);
            }
            default -> throw new IllegalArgumentException("trinoType has no type for " + type);
        };
    }

    /** The value with the name of its Glue type. */
    private static Map<String, Object> value(Type type, Object value) {
        if (value == null) {
            return null;
        }
        return switch (type) {
            case VarcharType _ -> Map.of("string", value);
            case BigintType _ -> Map.of("bigint", value);
            case IntegerType _ -> Map.of("int", value);
            case BooleanType _ -> Map.of("boolean", value);
            case DoubleType _ -> Map.of("double", value.toString());
            case DateType _ -> Map.of("date", value.toString());
            case TimestampType _ -> {
                SqlTimestamp timestamp = (SqlTimestamp) value;
                yield Map.of("timestamp", List.of(timestamp.getEpochMicros(), timestamp.getPicosOfMicros()));
            }
            case ArrayType list -> {
                List<Object> elements = new ArrayList<>();
                ((List<?>) value).forEach(element -> elements.add(value(list.getElementType(), element)));
                yield Map.of("array", elements);
            }
            case MapType map -> {
                List<Object> entries = new ArrayList<>();
                ((Map<?, ?>) value).forEach((key, one) -> {
                    List<Object> entry = new ArrayList<>();
                    entry.add(value(map.getKeyType(), key));
                    entry.add(value(map.getValueType(), one));
                    entries.add(entry);
                });
                yield Map.of("map", entries);
            }
            case RowType row -> {
                Map<String, Object> fields = new HashMap<>();
                for (int place = 0; place < row.getFields().size(); place++) {
                    RowType.Field field = row.getFields().get(place);
                    fields.put(field.getName().orElseThrow(), value(field.getType(), ((List<?>) value).get(place)));
                }
                yield Map.of("struct", fields);
            }
            default -> throw new IllegalArgumentException("value has no form for " + type);
        };
    }
}
