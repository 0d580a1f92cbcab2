// java -cp dd-plist.jar ReadPlists.java FILE...: a line of JSON for each file; see tests/mdm/readers.py.
import com.dd.plist.*;
import java.io.File;
import java.io.PrintStream;
import java.text.SimpleDateFormat;
import java.util.*;

public class ReadPlists {
    public static void main(String[] files) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        for (String file : files) {
            StringBuilder line = new StringBuilder();
            write(PropertyListParser.parse(new File(file)), line);
            out.println(line);
        }
    }

    private static void write(NSObject value, StringBuilder to) {
        if (value instanceof NSDictionary) {
            String comma = "{";
            for (Map.Entry<String, NSObject> entry : ((NSDictionary) value).getHashMap().entrySet()) {
                to.append(comma);
                quote(entry.getKey(), to);
                to.append(':');
                write(entry.getValue(), to);
                comma = ",";
            }
            to.append(comma.equals("{") ? "{}" : "}");
        } else if (value instanceof NSArray) {
            String comma = "[";
            for (NSObject inner : ((NSArray) value).getArray()) {
                to.append(comma);
                write(inner, to);
                comma = ",";
            }
            to.append(comma.equals("[") ? "[]" : "]");
        } else if (value instanceof NSNumber) {
            NSNumber number = (NSNumber) value;
            if (number.isBoolean()) to.append(number.boolValue());
            else tagged("number", number.isInteger() ? Long.toString(number.longValue()) : Double.toString(number.doubleValue()), to);
        } else if (value instanceof NSDate) {
            SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'");
            format.setTimeZone(TimeZone.getTimeZone("UTC"));
            tagged("date", format.format(((NSDate) value).getDate()), to);
        } else if (value instanceof NSData) {
            tagged("data", java.util.Base64.getEncoder().encodeToString(((NSData) value).bytes()), to);
        } else {
            quote(((NSString) value).getContent(), to);
        }
    }

    private static void tagged(String name, String text, StringBuilder to) {
        to.append("{\"").append(name).append("\":");
        quote(text, to);
        to.append('}');
    }

    private static void quote(String text, StringBuilder to) {
        to.append('"');
        for (char c : text.toCharArray()) {
            if (c < ' ' || c == '"' || c == '\\') to.append(String.format("\\u%04x", (int) c));
            else to.append(c);
        }
        to.append('"');
    }
}
