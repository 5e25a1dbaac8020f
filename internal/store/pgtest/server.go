package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds every step that waits for the server.
const patience = 60 * time.Second

const superuser = "strangler_test"

// errNoServer says that no PostgreSQL is installed.
var errNoServer = errors.New("no PostgreSQL server programs on PATH or in /usr/lib/postgresql/*/bin: install Debian's package postgresql, or run `make test`, which does")

// keeper runs the server and outlives the test program: when that ends, in
// whatever way, its end of the pipe closes, and the server and its folder go.
// The word "keep" before the end leaves the folder for the next start.
const keeper = `dir=$1; shift
"$@" >>"$dir/log" 2>&1 </dev/null &
read -r word
kill -INT $! 2>/dev/null
wait $!
[ "$word" = keep ] || rm -rf "$dir"`

// Server is a PostgreSQL server that belongs to one test, or to a package's
// tests. Its methods are for one goroutine.
type Server struct {
	folder   string
	programs string // the folder of postgres and initdb
	account  *syscall.SysProcAttr
	password string
	port     int

	keeper *exec.Cmd      // nil: stopped
	pipe   io.WriteCloser // its end ends the server
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
	if _, err := io.WriteString(s.pipe, "keep\n"); err != nil {
		t.Fatalf("pgtest: stop the server: %v", err)
	}
	s.end()
}

// Start starts a stopped server again, at the same address.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.launch(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

func (s *Server) end() {
	if s.keeper == nil {
		return
	}
	_ = s.pipe.Close()
	_ = s.keeper.Wait()
	s.keeper = nil
}

func (s *Server) remove() {
	s.end()
	_ = os.RemoveAll(s.folder)
}

// start makes a folder, a database cluster in it, and runs the server.
func start() (*Server, error) {
	programs, err := find()
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &Server{folder: folder, programs: programs, account: account, password: rand.Text()}
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
	secret := filepath.Join(s.folder, "secret")
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return fmt.Errorf("write the password: %w", err)
	}
	if owner := s.account.Credential; owner != nil {
		for _, path := range []string{s.folder, secret} {
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				return fmt.Errorf("give the folder to the server's user: %w", err)
			}
		}
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
	s.keeper = s.command("/bin/sh", "-c", keeper, "keeper", s.folder,
		filepath.Join(s.programs, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.folder,
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200")
	pipe, err := s.keeper.StdinPipe()
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	s.pipe = pipe
	if err := s.keeper.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	return s.await()
}

// await polls: the server says in its log only when it is ready.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.folder, "log"))
			return fmt.Errorf("the server did not start: %w\n%s", err, log)
		case <-ticker.C:
		}
	}
}

func (s *Server) data() string {
	return filepath.Join(s.folder, "data")
}

// command runs as the server's user, in a process group of its own: an
// interrupt from the terminal is for the tests.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	command := exec.Command(program, args...)
	command.Dir = s.folder
	command.SysProcAttr = s.account
	return command
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
