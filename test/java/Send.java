import io.tus.java.client.ProtocolException;
import io.tus.java.client.TusClient;
import io.tus.java.client.TusExecutor;
import io.tus.java.client.TusURLMemoryStore;
import io.tus.java.client.TusUpload;
import io.tus.java.client.TusUploader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.util.Map;

/** Sends a file by tus-java-client: URL FILE. Prints the offset of each attempt, then the upload's URL. */
public class Send {
  public static void main(String[] args) throws Exception {
    TusClient client = new TusClient();
    client.setUploadCreationURL(URI.create(args[0]).toURL());
    client.enableResuming(new TusURLMemoryStore());
    TusUpload upload = new TusUpload(new File(args[1]));
    upload.setMetadata(Map.of("filename", "from Java"));
    TusExecutor executor = new TusExecutor() {
      @Override
      protected void makeAttempt() throws ProtocolException, IOException {
        TusUploader uploader = client.resumeOrCreateUpload(upload);
        System.out.println("attempt at " + uploader.getOffset());
        uploader.setChunkSize(64 * 1024);
        while (uploader.uploadChunk() > -1) {}
        uploader.finish();
        System.out.println(uploader.getUploadURL());
      }
    };
    executor.setDelays(new int[] {100, 100, 100});
    if (!executor.makeAttempts()) throw new IOException("interrupted");
  }
}
