import com.amazonaws.kinesis.agg.AggRecord;
import com.amazonaws.kinesis.agg.RecordAggregator;
import com.amazonaws.services.kinesis.clientlibrary.types.UserRecord;
import com.amazonaws.services.kinesis.model.Record;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;

/**
 * Packs and unpacks records with Amazon's own libraries: the Kinesis Aggregator, and the Kinesis Client Library's
 * deaggregation. One request per line on standard input, tab-separated, data in base64:
 *
 * <pre>
 * add     partition key   explicit hash key or -   data     adds a user record to the record being packed
 * end                                                       returns the packed record, and begins a new one
 * unpack  partition key   data                              unpacks a record with the client library
 * </pre>
 *
 * An answer is {@code packed <records> <partition key> <explicit hash key> <data>}, also for a record that is full before
 * {@code end}; or {@code record <partition key> <sub-sequence number> <is aggregated> <data>} for each unpacked record,
 * followed by {@code unpacked}.
 */
public final class Pack {
  public static void main(String[] arguments) throws Exception {
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    RecordAggregator aggregator = new RecordAggregator();
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      String[] request = line.split("\t", -1);
      switch (request[0]) {
        case "add" -> {
          String explicitHashKey = request[2].equals("-") ? null : request[2];
          print(answers, aggregator.addUserRecord(request[1], explicitHashKey, decode(request[3])));
        }
        case "end" -> print(answers, aggregator.clearAndGet());
        case "unpack" -> unpack(answers, request[1], decode(request[2]));
        default -> throw new IllegalArgumentException("unknown request " + request[0]);
      }
    }
    answers.flush();
  }

  private static void print(PrintStream answers, AggRecord record) {
    // Null until the record is full.
    if (record == null) {
      return;
    }
    answers.println(String.join("\t", "packed", Integer.toString(record.getNumUserRecords()),
        record.getPartitionKey(), record.getExplicitHashKey(), encode(record.toRecordBytes())));
  }

  private static void unpack(PrintStream answers, String partitionKey, byte[] data) {
    Record record = new Record().withPartitionKey(partitionKey).withSequenceNumber("1").withData(ByteBuffer.wrap(data));
    for (UserRecord unpacked : UserRecord.deaggregate(List.of(record))) {
      ByteBuffer bytes = unpacked.getData();
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(copy);
      answers.println(String.join("\t", "record", unpacked.getPartitionKey(),
          Long.toString(unpacked.getSubSequenceNumber()), Boolean.toString(unpacked.isAggregated()), encode(copy)));
    }
    answers.println("unpacked");
  }

  private static byte[] decode(String base64) {
    return Base64.getDecoder().decode(base64);
  }

  private static String encode(byte[] data) {
    return Base64.getEncoder().encodeToString(data);
  }
}
