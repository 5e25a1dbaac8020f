package pgtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

const superuser = "strangler_test"

// errNoServer says that no PostgreSQL is installed.
var errNoServer = errors.New("no PostgreSQL server programs on PATH or in /usr/lib/postgresql/*/bin: install Debian's package postgresql, or run `make test`, which does")

// Server is a PostgreSQL server that belongs to one test, or to a package's
// tests. Its methods are for one goroutine.
type Server struct {
	*daemon
	programs string // the folder of postgres and initdb
	password string
	port     int
}

// New starts a server for one test, which may stop and start it.
func New(t testing.TB) *Server {
	t.Helper()
	server, err := start()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(server.remove)
	return server
}

// URL is the address of a database on this server, for its superuser.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, s.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database,
	}
	return u.String()
}

// Stop ends the server and every connection; its data stay.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.stop(); err != nil {
		t.Fatalf("pgtest: stop the server: %v", err)
	}
}

// Start starts a stopped server again, at the same address.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.launch(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// start makes a folder, a database cluster in it, and runs the server.
func start() (*Server, error) {
	programs, err := find()
	if err != nil {
		return nil, err
	}
	daemon, err := newDaemon("INT")
	if err != nil {
		return nil, err
	}
	s := &Server{daemon: daemon, programs: programs, password: rand.Text()}
	err = s.create()
	if err == nil {
		err = s.launch()
	}
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

func (s *Server) create() error {
	secret, err := s.write("secret", s.password)
	if err != nil {
		return err
	}
	command := s.command(filepath.Join(s.programs, "initdb"), "--pgdata", s.data(), "--username", superuser,
		"--pwfile", secret, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("make a database cluster: %w\n%s", err, output)
	}
	return nil
}

// launch runs the server at its port, or at a free one when it has none yet,
// and waits until it answers.
func (s *Server) launch() error {
	if s.port == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		s.port = port
	}
	if err := s.run(filepath.Join(s.programs, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.folder,
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"); err != nil {
		return err
	}
	return s.await(s.URL("postgres"))
}

func (s *Server) data() string {
	return filepath.Join(s.folder, "data")
}

// find returns the folder of the newest server programs.
func find() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errNoServer
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

func version(path string) int {
	number, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return number
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
