import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import software.amazon.event.ruler.Machine;

/**
 * Judges event patterns with Amazon's Event Ruler.
 *
 * <p>Contract: Amazon EventBridge event patterns
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html); for the examples, Amazon Connect contact events
 * (https://docs.aws.amazon.com/connect/latest/adminguide/contact-events.html).
 *
 * <p>Usage: Judge.java [--template file] [--write], from the root of the repository.
 */
public final class Judge {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path EXAMPLES = Path.of("tests/event-ruler/examples.jsonl");
  private static final Path AGREED = Path.of("tests/event-ruler/agreed.jsonl");
  private static final Path LOCAL_STACK = Path.of("tools/local-aws/src/stack.rs");
  private static final Pattern LOCAL_PATTERN = Pattern.compile("const CONTACT_EVENT_PATTERN: &str = r#\"(.*?)\"#;");
  private static final int SHOWN = 5;

  private static int passed;
  private static int failed;

  public static void main(String[] arguments) throws Exception {
    Path template = Path.of("template.yaml");
    boolean isWriting = false;
    for (int at = 0; at < arguments.length; at++) {
      if (arguments[at].equals("--write")) {
        isWriting = true;
      } else if (arguments[at].equals("--template") && at + 1 < arguments.length) {
        template = Path.of(arguments[++at]);
      } else {
        System.err.println("usage: run [--template <file>] [--write]");
        System.exit(2);
      }
    }

    long begin = System.nanoTime();
    JsonNode pattern = null;
    try {
      pattern = contactEventPattern(template);
    } catch (IOException | IllegalArgumentException reason) {
      System.err.println("error: " + template + " cannot be read: " + reason.getMessage());
      System.exit(1);
    }
    theLocalStackHasTheTemplatesPattern(pattern);
    theExamplesAreJudgedAsExpected(pattern);
    List<String> agreed = new Agreed().lines();
    if (isWriting) {
      Files.write(AGREED, agreed);
    }
    theAgreedVerdictsAreEventRulers(agreed);
    System.err.printf("the event pattern, by Event Ruler: %.1f s%n", (System.nanoTime() - begin) / 1e9);
    System.out.printf("test result: %s. %d passed; %d failed; 0 ignored%n", failed == 0 ? "ok" : "FAILED", passed, failed);
    System.exit(failed == 0 ? 0 : 1);
  }

  private static void theLocalStackHasTheTemplatesPattern(JsonNode pattern) throws IOException {
    Matcher found = LOCAL_PATTERN.matcher(Files.readString(LOCAL_STACK));
    JsonNode local = found.find() ? JSON.readTree(found.group(1)) : null;
    List<String> wrong = new ArrayList<>();
    if (!pattern.equals(local)) {
      wrong.add("template:    " + pattern);
      wrong.add("local stack: " + local);
    }
    conclude("the local stack has the template's pattern", wrong);
  }

  private static void theExamplesAreJudgedAsExpected(JsonNode pattern) throws Exception {
    Machine machine = Machine.builder().build();
    machine.addRule("rule", pattern.toString());
    int[] counts = new int[2];
    List<String> wrong = new ArrayList<>();
    for (String line : Files.readAllLines(EXAMPLES)) {
      JsonNode example = JSON.readTree(line);
      boolean expected = example.required("matches").booleanValue();
      boolean matches = !machine.rulesForJSONEvent(example.required("event").toString()).isEmpty();
      counts[expected ? 1 : 0]++;
      if (matches != expected) {
        wrong.add((matches ? "matches, but must not: " : "does not match, but must: ") + example.required("why").textValue());
      }
    }
    if (counts[0] == 0 || counts[1] == 0) {
      wrong.add("examples.jsonl must have examples of both kinds");
    }
    System.err.printf("  examples: %d that match, %d that do not%n", counts[1], counts[0]);
    conclude("the examples are judged as expected", wrong);
  }

  private static void theAgreedVerdictsAreEventRulers(List<String> agreed) throws IOException {
    List<String> have = Files.exists(AGREED) ? Files.readAllLines(AGREED) : List.of();
    List<String> wrong = new ArrayList<>();
    for (int at = 0; at < Math.max(have.size(), agreed.size()); at++) {
      String one = at < have.size() ? have.get(at) : "no line";
      String other = at < agreed.size() ? agreed.get(at) : "no line";
      if (!one.equals(other)) {
        wrong.add("line " + (at + 1) + " is      " + one);
        wrong.add("line " + (at + 1) + " must be " + other + " (see --write)");
      }
    }
    int patterns = 0;
    int refused = 0;
    int matching = 0;
    int other = 0;
    for (String line : agreed) {
      JsonNode judged = JSON.readTree(line);
      if (judged.required("shape").textValue().equals("refused")) {
        refused++;
      } else {
        patterns++;
      }
      matching += judged.path("matching").size();
      other += judged.path("other").size();
    }
    System.err.printf("  patterns: %d with %,d events, of which %,d match; %d refused%n", patterns, matching + other, matching, refused);
    conclude("the agreed verdicts are Event Ruler's", wrong);
  }

  private static void conclude(String name, List<String> wrong) {
    System.err.printf("%s ... %s%n", name, wrong.isEmpty() ? "ok" : "FAILED");
    wrong.stream().limit(SHOWN).forEach(line -> System.err.println("  " + line));
    if (wrong.size() > SHOWN) {
      System.err.printf("  and %d more%n", wrong.size() - SHOWN);
    }
    if (wrong.isEmpty()) {
      passed++;
    } else {
      failed++;
    }
  }

  /** The event pattern in the template, as JSON. */
  private static JsonNode contactEventPattern(Path template) throws IOException {
    try (Reader reader = Files.newBufferedReader(template)) {
      // Only composed: CloudFormation's tags have no Java types.
      Node node = new Yaml().compose(reader);
      for (String name : List.of("Resources", "ContactEventRule", "Properties", "EventPattern")) {
        node = member(node, name);
      }
      return json(node);
    }
  }

  private static Node member(Node node, String name) {
    if (node instanceof MappingNode mapping) {
      for (NodeTuple member : mapping.getValue()) {
        if (member.getKeyNode() instanceof ScalarNode key && key.getValue().equals(name)) {
          return member.getValueNode();
        }
      }
    }
    throw new IllegalArgumentException("there is no " + name + " where the event pattern of ContactEventRule should be");
  }

  private static JsonNode json(Node node) throws IOException {
    if (node instanceof MappingNode mapping && node.getTag().equals(Tag.MAP)) {
      ObjectNode object = JSON.createObjectNode();
      for (NodeTuple member : mapping.getValue()) {
        object.set(((ScalarNode) member.getKeyNode()).getValue(), json(member.getValueNode()));
      }
      return object;
    }
    if (node instanceof SequenceNode sequence && node.getTag().equals(Tag.SEQ)) {
      ArrayNode array = JSON.createArrayNode();
      for (Node element : sequence.getValue()) {
        array.add(json(element));
      }
      return array;
    }
    if (node instanceof ScalarNode scalar) {
      if (node.getTag().equals(Tag.STR)) {
        return JSON.getNodeFactory().textNode(scalar.getValue());
      }
      if (Set.of(Tag.INT, Tag.FLOAT, Tag.BOOL, Tag.NULL).contains(node.getTag())) {
        return JSON.readTree(scalar.getValue());
      }
    }
    throw new IllegalArgumentException("the event pattern has " + node.getTag() + ", which depends on the deployment");
  }

  /**
   * Random patterns of the operators that the local stack has, and random events, always the same. A line has a pattern, the events
   * that match it, and others. Its shape:
   *
   * <pre>
   * values     the events have the shape of the pattern: an object where it has an object, otherwise a value, a list of values, or
   *            nothing
   * structure  the events may also have objects, empty lists, and lists of objects anywhere, and no parent
   * refused    Event Ruler refuses the pattern
   * </pre>
   */
  private static final class Agreed {
    private static final int PATTERNS = 137;
    private static final int EVENTS = 8;
    private static final int SEED = 20;
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final List<String> NAMES = List.of("a", "b", "c");
    // None ends with a quotation mark: Event Ruler compares prefixes with the JSON text, which ends with one.
    private static final List<String> TEXTS =
        List.of("", "x", "xy", "X", "xyz", "y", "1", "true", "null", "\"x", "\u00e9x", "\ud83d\ude00");
    private static final List<String> REFUSED = List.of(
        "{}",
        "{'a':[]}",
        "{'a':{}}",
        "{'a':1}",
        "{'a':[['x']]}",
        "{'a':[{}]}",
        "{'a':[{'exists':true,'prefix':'x'}]}",
        "{'a':[{'exists':1}]}",
        "{'a':[{'exists':null}]}",
        "{'a':[{'prefix':1}]}",
        "{'a':[{'prefix':['x']}]}",
        "{'a':[{'anything-but':[]}]}",
        "{'a':[{'anything-but':[1,'x']}]}",
        "{'a':[{'anything-but':null}]}",
        "{'a':[{'anything-but':true}]}",
        "{'a':[{'anything-but':[[1]]}]}",
        "{'a':[{'numeric':[]}]}",
        "{'a':[{'numeric':5}]}",
        "{'a':[{'numeric':['<']}]}",
        "{'a':[{'numeric':['<','5']}]}",
        "{'a':[{'numeric':['!=',5]}]}",
        "{'a':[{'numeric':['<',5,'>',1]}]}",
        "{'a':[{'numeric':['=',5,'<',9]}]}",
        "{'a':[{'numeric':['>',5,'<',5]}]}",
        "{'a':[{'numeric':['>',1,'<',5,'<',4]}]}",
        "{'a':{'b':[{'unknown':1}]}}");

    private final Random random = new Random(SEED);

    List<String> lines() throws Exception {
      List<String> lines = new ArrayList<>();
      for (String shape : List.of("values", "structure")) {
        Set<String> patterns = new LinkedHashSet<>();
        while (patterns.size() < PATTERNS) {
          ObjectNode pattern = pattern(0);
          ObjectNode line = NODES.objectNode().put("shape", shape);
          line.set("pattern", pattern);
          ArrayNode matching = line.putArray("matching");
          ArrayNode other = line.putArray("other");
          Set<String> events = new LinkedHashSet<>();
          for (int attempt = 0; attempt < 200 && events.size() < EVENTS; attempt++) {
            JsonNode event = shape.equals("values") ? like(pattern) : damaged(like(pattern), 0);
            if (!event.isObject() || !events.add(event.toString())) {
              continue;
            }
            boolean matches = matches(pattern.toString(), event.toString());
            // With lists of objects, "exists": false can depend on the alphabetical order of the names. No contract says so.
            if (matches != matches(renamed(pattern).toString(), renamed(event).toString())) {
              events.remove(event.toString());
              continue;
            }
            (matches ? matching : other).add(event);
          }
          // A pattern with the same verdict for every event shows little.
          if (events.size() == EVENTS && !matching.isEmpty() && !other.isEmpty() && patterns.add(pattern.toString())) {
            lines.add(line.toString());
          }
        }
      }
      for (String refused : REFUSED) {
        JsonNode pattern = JSON.readTree(refused.replace('\'', '"'));
        try {
          matches(pattern.toString(), "{}");
        } catch (IOException reason) {
          lines.add(NODES.objectNode().put("shape", "refused").<ObjectNode>set("pattern", pattern).toString());
          continue;
        }
        throw new IllegalStateException("Event Ruler accepts " + pattern);
      }
      return lines;
    }

    private static boolean matches(String pattern, String event) throws Exception {
      Machine machine = Machine.builder().build();
      machine.addRule("rule", pattern);
      return !machine.rulesForJSONEvent(event).isEmpty();
    }

    /** The same with the names in the opposite order. */
    private static JsonNode renamed(JsonNode value) {
      if (value.isObject()) {
        ObjectNode object = NODES.objectNode();
        value.properties().forEach(member -> {
          int place = NAMES.indexOf(member.getKey());
          String name = place < 0 ? member.getKey() : NAMES.get(NAMES.size() - 1 - place);
          object.set(name, renamed(member.getValue()));
        });
        return object;
      }
      if (value.isArray()) {
        ArrayNode array = NODES.arrayNode();
        value.forEach(element -> array.add(renamed(element)));
        return array;
      }
      return value;
    }

    private ObjectNode pattern(int depth) {
      ObjectNode pattern = NODES.objectNode();
      int size = 1 + random.nextInt(depth == 0 ? 3 : 2);
      while (pattern.size() < size) {
        if (depth < 2 && random.nextInt(3) == 0) {
          pattern.set(pick(NAMES), pattern(depth + 1));
        } else {
          ArrayNode alternatives = NODES.arrayNode();
          for (int count = 1 + random.nextInt(2); count > 0; count--) {
            alternatives.add(alternative());
          }
          pattern.set(pick(NAMES), alternatives);
        }
      }
      return pattern;
    }

    private JsonNode alternative() {
      ObjectNode operator = NODES.objectNode();
      switch (random.nextInt(8)) {
        case 0 -> operator.put("exists", random.nextBoolean());
        case 1 -> operator.put("prefix", pick(TEXTS));
        case 2 -> operator.set("anything-but", random.nextBoolean() ? NODES.textNode(pick(TEXTS)) : number());
        case 3 -> {
          ArrayNode excluded = operator.putArray("anything-but");
          boolean isText = random.nextBoolean();
          for (int count = 1 + random.nextInt(3); count > 0; count--) {
            excluded.add(isText ? NODES.textNode(pick(TEXTS)) : number());
          }
        }
        case 4 -> operator.putArray("numeric").add(pick(List.of("=", "<", "<=", ">", ">="))).add(number());
        case 5 -> {
          int bottom = random.nextInt(5) - 2;
          operator.putArray("numeric").add(pick(List.of(">", ">="))).add(bottom)
              .add(pick(List.of("<", "<="))).add(bottom + 1 + random.nextInt(4));
        }
        default -> {
          return value();
        }
      }
      return operator;
    }

    private JsonNode value() {
      return switch (random.nextInt(8)) {
        case 0 -> NODES.booleanNode(random.nextBoolean());
        case 1 -> NODES.nullNode();
        case 2, 3, 4 -> number();
        default -> NODES.textNode(pick(TEXTS));
      };
    }

    private JsonNode number() {
      int number = random.nextInt(7) - 2;
      return random.nextInt(4) == 0 ? NODES.numberNode(number + 0.5) : NODES.numberNode(number);
    }

    /** An event of the pattern's shape, with values near those of the pattern. */
    private ObjectNode like(JsonNode pattern) {
      ObjectNode event = NODES.objectNode();
      pattern.properties().forEach(member -> {
        if (member.getValue().isObject()) {
          event.set(member.getKey(), like(member.getValue()));
        } else if (random.nextInt(6) == 0) {
          ArrayNode list = event.putArray(member.getKey());
          for (int count = 1 + random.nextInt(3); count > 0; count--) {
            list.add(near(member.getValue()));
          }
        } else if (random.nextInt(6) != 0) {
          event.set(member.getKey(), near(member.getValue()));
        }
      });
      if (random.nextInt(3) == 0) {
        String name = pick(NAMES);
        if (!pattern.has(name)) {
          event.set(name, value());
        }
      }
      return event;
    }

    /** A value that often matches one of the alternatives. */
    private JsonNode near(JsonNode alternatives) {
      JsonNode alternative = alternatives.get(random.nextInt(alternatives.size()));
      if (random.nextInt(3) == 0) {
        return value();
      }
      if (!alternative.isObject()) {
        return alternative;
      }
      JsonNode operand = alternative.elements().next();
      if (alternative.has("prefix")) {
        return NODES.textNode(operand.textValue() + pick(TEXTS));
      }
      if (alternative.has("numeric")) {
        return random.nextBoolean() ? operand.get(1) : number();
      }
      if (alternative.has("anything-but") && random.nextBoolean()) {
        return operand.isArray() ? operand.get(random.nextInt(operand.size())) : operand;
      }
      return value();
    }

    /** The same event with another structure in a few places. */
    private JsonNode damaged(JsonNode value, int depth) {
      if (depth > 0 && random.nextInt(5) == 0) {
        switch (random.nextInt(6)) {
          case 0:
            return NODES.arrayNode();
          case 1:
            return NODES.objectNode();
          case 2:
            return NODES.objectNode().set(pick(NAMES), value);
          case 3:
            return NODES.arrayNode().add(value).add(value());
          case 4:
            return NODES.arrayNode().add(NODES.objectNode().<JsonNode>set(pick(NAMES), value())).add(value);
          default:
            return value();
        }
      }
      if (value.isObject()) {
        ObjectNode object = NODES.objectNode();
        boolean isSplit = depth > 0 && value.size() > 1 && random.nextInt(3) == 0;
        ArrayNode parts = NODES.arrayNode();
        value.properties().forEach(member -> {
          if (random.nextInt(8) == 0) {
            return;
          }
          JsonNode inner = damaged(member.getValue(), depth + 1);
          object.set(member.getKey(), inner);
          parts.add(NODES.objectNode().<JsonNode>set(member.getKey(), inner));
        });
        return isSplit ? parts : object;
      }
      if (value.isArray()) {
        ArrayNode array = NODES.arrayNode();
        value.forEach(element -> array.add(damaged(element, depth + 1)));
        return array;
      }
      // The same number in another form.
      return value.isInt() && random.nextInt(4) == 0 ? NODES.numberNode((double) value.intValue()) : value;
    }

    private String pick(List<String> from) {
      return from.get(random.nextInt(from.size()));
    }
  }
}
