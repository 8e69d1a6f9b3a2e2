import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * Runs Amazon's DynamoDB Local on 127.0.0.1 and prints its port, which the system picks. Its own command line would listen
 * on every address.
 */
class Loopback {
    public static void main(String[] arguments) throws Exception {
        // The command line refuses port 0, but the connector accepts it.
        String[] inMemory = {"-inMemory", "-disableTelemetry", "-port", "8000"};
        DynamoDBProxyServer dynamoDb = ServerRunner.createServerFromCommandLineArgs(inMemory);
        var field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        Server server = (Server) field.get(dynamoDb);
        for (Connector connector : server.getConnectors()) {
            ((ServerConnector) connector).setHost("127.0.0.1");
            ((ServerConnector) connector).setPort(0);
        }
        dynamoDb.start();
        System.out.println("port " + ((ServerConnector) server.getConnectors()[0]).getLocalPort());
        dynamoDb.join();
    }
}
