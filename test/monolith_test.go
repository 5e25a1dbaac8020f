package test_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// order is what both sides answer; the header X-Served-By tells them apart.
const order = `{"order": "a kettle"}` + "\n"

// nginxConfig serves files, as one process of whoever runs the tests.
const nginxConfig = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen %s;
    root files;
    add_header X-Served-By legacy;
    location ~ /(orders|items)/ { try_files /order.json =404; }
  }
}
`

// startMonolith starts nginx over a folder of files and returns its URL.
func startMonolith(t testing.TB) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // where Debian puts it, which is not on everybody's PATH
	}
	folder, address := t.TempDir(), freeAddress(t)
	for name, text := range map[string]string{
		"nginx.conf":       fmt.Sprintf(nginxConfig, address),
		"files/index.html": "<h1>The old shop</h1>\n",
		"files/order.json": order,
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	nginx := launch(t, exec.Command(program, "-p", folder, "-c", "nginx.conf", "-e", "stderr"))
	url := "http://" + address
	eventually(t, "nginx answers", func() bool {
		if !nginx.running() {
			t.Fatalf("nginx has ended (install Debian's package nginx-light, or run `make test`, which does):\n%s", nginx.stderr)
		}
		res, err := http.Get(url)
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return url
}

// freeAddress is an address on loopback that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
