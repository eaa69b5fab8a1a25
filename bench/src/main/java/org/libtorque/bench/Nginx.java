package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.libtorque.bench.Peer.Slot;
import org.libtorque.bench.Peer.UnavailableException;

/** nginx with one worker and a configuration of its own, so that nothing installed on the machine plays a part. */
final class Nginx {
    private Nginx() {}

    static List<String> command(Slot slot) throws UnavailableException, IOException {
        Path nginx = Commands.find("nginx");
        if (nginx == null) throw new UnavailableException("not installed (apt-get install nginx)");
        Path configuration = slot.scratch().resolve("nginx.conf");
        Files.writeString(configuration, configuration(slot, System.getProperty("user.name").equals("root")));
        return List.of(nginx.toString(), "-p", slot.scratch().toString(), "-c", configuration.toString(), "-e", "stderr");
    }

    static String configuration(Slot slot, boolean asRoot) {
        // A master started as root would give the worker a user who cannot read the scratch folder.
        return (asRoot ? "user root;\n" : "") + """
                daemon off;
                worker_processes 1;
                pid nginx.pid;
                error_log stderr crit;
                events {
                    worker_connections 4096;
                    multi_accept on;
                }
                http {
                    access_log off;
                    server_tokens off;
                    default_type text/plain;
                    types { text/html html; }
                    sendfile on;
                    tcp_nodelay on;
                    keepalive_timeout 300s;
                    keepalive_requests 1000000000;
                    open_file_cache max=1000;
                    open_file_cache_valid 60s;
                    client_body_temp_path body;
                    proxy_temp_path proxy;
                    fastcgi_temp_path fastcgi;
                    uwsgi_temp_path uwsgi;
                    scgi_temp_path scgi;
                    server {
                        listen 127.0.0.1:%d backlog=4096;
                        root %s;
                        location = /plaintext {
                            return 200 "Hello, World!";
                        }
                    }
                }
                """.formatted(slot.port(), slot.root());
    }
}
