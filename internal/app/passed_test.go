package app_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
)

// pass makes a file of a listener as a service manager would pass it, under a
// name, and returns the listener's address.
func pass(t *testing.T, name string, listener net.Listener) (*os.File, string) {
	t.Helper()
	t.Cleanup(func() { _ = listener.Close() })
	file, err := listener.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), name), listener.Addr().String()
}

func listenOn(t *testing.T, network, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func TestPassedSocketsWinOverTheSettings(t *testing.T) {
	for name, names := range map[string][]string{
		"by name":        {"admin", "data"},
		"by unit":        {"strangler.socket", "strangler.socket"},
		"without a name": {"LISTEN_FD_3", "LISTEN_FD_4"},
		"data alone":     {"data"},
		"one alone":      {"unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			env := quiet()
			env.Stderr = &said
			want := map[string]string{}
			for i, name := range names {
				file, address := pass(t, name, listenOn(t, "tcp", "127.0.0.1:0"))
				env.Passed = append(env.Passed, file)
				switch name {
				case "data", "admin":
					want[name] = address
				default:
					want[[]string{"data", "admin"}[i]] = address
				}
			}
			r := run(t, func(c *app.Config) { c.Listen = occupiedPort(t) }, env)
			if got := r.DataAddr().String(); got != want["data"] {
				t.Errorf("the data listener is %s, want %s", got, want["data"])
			}
			if got := r.AdminAddr().String(); want["admin"] != "" && got != want["admin"] {
				t.Errorf("the admin listener is %s, want %s", got, want["admin"])
			}
			if err := r.end(); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(said.String(), "the service manager passed this socket"); n != len(names) {
				t.Errorf("%d sockets were mentioned, want %d:\n%s", n, len(names), &said)
			}
		})
	}
}

func TestRefusedSockets(t *testing.T) {
	for name, c := range map[string]struct {
		names     []string
		network   string
		address   string
		reusePort bool
		want      []string
	}{
		"unknown name":         {[]string{"data", "metrics"}, "tcp", "127.0.0.1:0", false, []string{`"metrics"`, "FileDescriptorName=data", "admin"}},
		"a name twice":         {[]string{"data", "data"}, "tcp", "127.0.0.1:0", false, []string{"two sockets", `"data"`}},
		"half of them named":   {[]string{"data", "strangler.socket"}, "tcp", "127.0.0.1:0", false, []string{`"strangler.socket"`}},
		"three without names":  {[]string{"x.socket", "x.socket", "x.socket"}, "tcp", "127.0.0.1:0", false, []string{"3 sockets", "at most two"}},
		"not TCP":              {[]string{"data"}, "unix", "s", false, []string{`"data"`, "unix"}},
		"admin on the network": {[]string{"admin"}, "tcp", "0.0.0.0:0", false, []string{"--admin", "without TLS", "--admin-insecure"}},
		"with a hand-over":     {[]string{"data"}, "tcp", "127.0.0.1:0", true, []string{"--reuse-port", "leave it out"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			env := quiet()
			for range c.names {
				file, address := pass(t, c.names[len(env.Passed)], listenOn(t, c.network, c.address))
				if c.network == "unix" {
					_ = os.Remove(address)
				}
				env.Passed = append(env.Passed, file)
			}
			router, err := app.NewRouter(t.Context(), app.Config{
				Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", AccessLog: "off", ReusePort: c.reusePort,
				Database: "sqlite:" + filepath.Join(t.TempDir(), "s.db"),
			}, env)
			if err == nil {
				stop(t, router)
				t.Fatal("accepted")
			}
			for _, part := range c.want {
				if !errors.Is(err, app.ErrConfig) || !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %s", err, part)
				}
			}
		})
	}
}

func TestTheServiceManagerIsTold(t *testing.T) {
	var (
		mu    sync.Mutex
		said  []string
		ready = make(chan struct{})
	)
	env := quiet()
	env.Notify = func(state string) error {
		mu.Lock()
		defer mu.Unlock()
		if said = append(said, state); state == "READY=1" {
			close(ready)
		}
		return errors.New("a router does not stop for that")
	}
	r := run(t, func(c *app.Config) { c.Legacy = "http://127.0.0.1:9" }, env)
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		t.Fatal("not ready")
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"STATUS=serving revision 1", "READY=1", "STOPPING=1\nSTATUS=draining"}; !slices.Equal(said, want) {
		t.Errorf("it was told %q, want %q", said, want)
	}
}
