package pgtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds every step that waits for a server.
const patience = 60 * time.Second

// keeper runs a server and outlives the test program: when that ends, in
// whatever way, its end of the pipe closes, and the server and its folder go.
// The word "keep" before the end leaves the folder for the next start.
const keeper = `dir=$1; signal=$2; shift 2
"$@" >>"$dir/log" 2>&1 </dev/null &
read -r word
kill "-$signal" $! 2>/dev/null
wait $!
[ "$word" = keep ] || rm -rf "$dir"`

// daemon is a server process with a folder of its own.
type daemon struct {
	folder  string
	account *syscall.SysProcAttr
	signal  string // that ends it, as kill writes it

	keeper *exec.Cmd      // nil: stopped
	pipe   io.WriteCloser // its end ends the server
}

// newDaemon makes the folder, which belongs to whom the server runs as.
func newDaemon(signal string) (*daemon, error) {
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	d := &daemon{folder: folder, account: account, signal: signal}
	if err := d.own(folder); err != nil {
		d.remove()
		return nil, err
	}
	return d, nil
}

// write makes a file that the server can read, and returns its path.
func (d *daemon) write(name, text string) (string, error) {
	path := filepath.Join(d.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write for the server: %w", err)
	}
	return path, d.own(path)
}

func (d *daemon) own(path string) error {
	owner := d.account.Credential
	if owner == nil {
		return nil
	}
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give the folder to the server's user: %w", err)
	}
	return nil
}

// run starts the server.
func (d *daemon) run(program string, args ...string) error {
	d.keeper = d.command("/bin/sh", append([]string{"-c", keeper, "keeper", d.folder, d.signal, program}, args...)...)
	pipe, err := d.keeper.StdinPipe()
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	d.pipe = pipe
	if err := d.keeper.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	return nil
}

// await polls an address: a server says in its log only when it is ready.
func (d *daemon) await(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(d.folder, "log"))
			return fmt.Errorf("the server did not start: %w\n%s", err, log)
		case <-ticker.C:
		}
	}
}

// stop ends the server and keeps its folder.
func (d *daemon) stop() error {
	if _, err := io.WriteString(d.pipe, "keep\n"); err != nil {
		return err
	}
	d.end()
	return nil
}

func (d *daemon) end() {
	if d.keeper == nil {
		return
	}
	_ = d.pipe.Close()
	_ = d.keeper.Wait()
	d.keeper = nil
}

func (d *daemon) remove() {
	d.end()
	_ = os.RemoveAll(d.folder)
}

// command runs as the server's user, in a process group of its own: an
// interrupt from the terminal is for the tests.
func (d *daemon) command(program string, args ...string) *exec.Cmd {
	command := exec.Command(program, args...)
	command.Dir = d.folder
	command.SysProcAttr = d.account
	return command
}
