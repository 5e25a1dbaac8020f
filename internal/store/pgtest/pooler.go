package pgtest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"strconv"
	"testing"
)

// errNoPooler says that PgBouncer is not installed.
var errNoPooler = errors.New("no pgbouncer on PATH or in /usr/sbin: install Debian's package pgbouncer, or run `make test`, which does")

// poolerConfig is a PgBouncer in front of every database of one server, as
// docs/operations.md advises. A server that came back is tried again soon.
const poolerConfig = `[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = plain
auth_file = %s
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
server_login_retry = 1
`

// Pooler is a PgBouncer in transaction mode that belongs to one test. Its
// methods are for one goroutine.
type Pooler struct {
	*daemon
	program string
	port    int
	probe   string // an address through it
}

// NewPooler starts a pooler in front of the server of an address, for the
// address's user alone.
func NewPooler(t testing.TB, address string) *Pooler {
	t.Helper()
	p, err := startPooler(address)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(p.remove)
	return p
}

// Through returns the address of the same database through the pooler.
func (p *Pooler) Through(t testing.TB, address string) string {
	t.Helper()
	return WithHost(t, address, p.host())
}

// Kill ends the pooler as kill -9 does, and with it every connection through it.
func (p *Pooler) Kill(t testing.TB) {
	t.Helper()
	if err := p.stop(); err != nil {
		t.Fatalf("pgtest: kill the pooler: %v", err)
	}
}

// Start starts a killed pooler again, at the same address.
func (p *Pooler) Start(t testing.TB) {
	t.Helper()
	if err := p.launch(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

func (p *Pooler) host() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port))
}

func startPooler(address string) (*Pooler, error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/pgbouncer")
	}
	if err != nil {
		return nil, errNoPooler
	}
	server, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read the server's address: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	daemon, err := newDaemon("KILL")
	if err != nil {
		return nil, err
	}
	p := &Pooler{daemon: daemon, program: program, port: port}
	err = p.configure(server)
	if err == nil {
		err = p.launch()
	}
	if err != nil {
		p.remove()
		return nil, err
	}
	return p, nil
}

// configure writes the pooler's files.
func (p *Pooler) configure(server *url.URL) error {
	password, _ := server.User.Password()
	users, err := p.write("users", fmt.Sprintf("%q %q\n", server.User.Username(), password))
	if err != nil {
		return err
	}
	if _, err := p.write("pgbouncer.ini", fmt.Sprintf(poolerConfig, server.Hostname(), server.Port(), p.port, users)); err != nil {
		return err
	}
	through := *server
	through.Host = p.host()
	p.probe = through.String()
	return nil
}

func (p *Pooler) launch() error {
	if err := p.run(p.program, "pgbouncer.ini"); err != nil {
		return err
	}
	return p.await(p.probe)
}
