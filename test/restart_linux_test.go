package test_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// restarts is how often the router is replaced while visitors ask.
const restarts = 3

// TestARestartByTheServiceManagerLosesNoRequest plays systemd: it holds the
// sockets, and starts one router after the other with them.
func TestARestartByTheServiceManagerLosesNoRequest(t *testing.T) {
	sockets := listenAsManager(t)
	notify := newNotifySocket(t)
	g := newGenerations(t, sockets.data.Addr().String(), "--database", "sqlite:"+filepath.Join(t.TempDir(), "s.db"))
	g.prepare = func(start []string) []string {
		return append([]string{"sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"`, "sh"}, start...)
	}
	g.files = sockets.files
	g.env = []string{"NOTIFY_SOCKET=" + notify.path}
	running := g.next()
	notify.heard(t, "READY=1")

	c := g.visitors()
	for range restarts {
		c.more(200)
		running.signal(syscall.SIGTERM)
		notify.heard(t, "STOPPING=1\nSTATUS=draining")
		if code := running.wait(); code != 0 {
			t.Fatalf("the router ended with exit code %d", code)
		}
		running = g.next()
		notify.heard(t, "STATUS=serving revision 1", "READY=1")
	}
	c.more(200)
	c.content()
	running.signal(syscall.SIGTERM)
	running.wait()
	g.checkServed(c.asked())
}

// TestARestartByHandOverLosesNoRequest starts each router beside the one before
// it, and ends that one once the new one listens.
func TestARestartByHandOverLosesNoRequest(t *testing.T) {
	g := newGenerations(t, freeAddress(t), "--reuse-port", "--database", pgtest.URL(t))
	running := g.next()
	c := g.visitors()
	for range restarts {
		c.more(200)
		older := running
		running = g.next()
		c.more(50)
		older.signal(syscall.SIGTERM)
		if code := older.wait(); code != 0 {
			t.Fatalf("the older router ended with exit code %d", code)
		}
	}
	c.more(200)
	c.content()
	running.signal(syscall.SIGTERM)
	running.wait()
	g.checkServed(c.asked())
}

// TestAThirdRouterWaitsForItsTurn: while two share the port, a third one keeps
// away from it, and takes over when the oldest has gone.
func TestAThirdRouterWaitsForItsTurn(t *testing.T) {
	g := newGenerations(t, freeAddress(t), "--reuse-port", "--database", pgtest.URL(t))
	oldest, middle := g.next(), g.next()
	c := g.visitors()
	third := g.launch()
	eventually(t, "the third router waits", func() bool {
		return strings.Contains(third.stderr.String(), "waiting for an older router to end its drain")
	})
	c.more(100)
	oldest.signal(syscall.SIGTERM)
	oldest.wait()
	g.listens(third)
	middle.signal(syscall.SIGTERM)
	middle.wait()
	c.more(100)
	c.content()
	third.signal(syscall.SIGTERM)
	third.wait()
	if n := g.served(0); n != 0 {
		t.Errorf("the oldest router served %d requests after it had been replaced", n)
	}
	if together := g.served(1) + g.served(2); g.served(1) < 300 || g.served(2) < 300 || together != c.asked() {
		t.Errorf("of %d requests the second router served %d and the third %d", c.asked(), g.served(1), g.served(2))
	}
}

// TestANewRouterThatCannotServeTakesNoConnection: one that fails to start, or
// has no table, leaves everything to the one that runs.
func TestANewRouterThatCannotServeTakesNoConnection(t *testing.T) {
	g := newGenerations(t, freeAddress(t), "--reuse-port", "--database", pgtest.URL(t))
	first := g.next()
	c := g.visitors()
	g.flags = append(g.flags, "--database", "postgres://nobody@127.0.0.1:1/none", "--state-dir", t.TempDir())
	second := g.launch()
	eventually(t, "the second router waits for a table", func() bool {
		return strings.Contains(second.stderr.String(), "taking over as soon as there is a table to serve by")
	})
	c.more(200)
	if said := second.stderr.String(); listening(said, "data") != "" {
		t.Errorf("a router without a table listens:\n%s", said)
	}
	second.kill()
	c.more(100)
	c.content()
	first.signal(syscall.SIGTERM)
	first.wait()
	if n := g.served(0); n != c.asked() {
		t.Errorf("the first router served %d of %d requests", n, c.asked())
	}
}

// generations are routers that follow each other at one address.
type generations struct {
	t       *testing.T
	address string
	admin   string
	flags   []string
	env     []string
	files   []*os.File
	prepare func(start []string) []string // puts something before the command
	folder  string                        // of the access logs
	count   int
}

func newGenerations(t *testing.T, address string, flags ...string) *generations {
	t.Helper()
	return &generations{
		t: t, address: address, admin: freeAddress(t), folder: t.TempDir(),
		flags: append([]string{
			"--legacy", startNewApp(t).URL, "--state-dir", t.TempDir(), "--drain-delay", "100ms", "--drain-timeout", "20s",
		}, flags...),
	}
}

func (g *generations) accessLog(generation int) string {
	return filepath.Join(g.folder, strconv.Itoa(generation))
}

// launch starts the next router and does not wait for it.
func (g *generations) launch() *process {
	args := append([]string{
		"serve", "--instance", fmt.Sprintf("g%d", g.count), "--listen", g.address, "--admin", g.admin,
		"--access-log", g.accessLog(g.count),
	}, g.flags...)
	g.count++
	c := command(g.t, "strangler", args...)
	if g.prepare != nil {
		c.Args = g.prepare(append([]string{c.Path}, args...))
		c.Path = "/bin/" + c.Args[0]
	}
	c.Env = append(c.Env, g.env...)
	c.ExtraFiles = g.files
	return launch(g.t, c)
}

// next starts the next router and waits until it listens.
func (g *generations) next() *process {
	g.t.Helper()
	p := g.launch()
	g.listens(p)
	return p
}

func (g *generations) listens(p *process) {
	g.t.Helper()
	eventually(g.t, "a router listens", func() bool {
		if !p.running() {
			g.t.Fatalf("the router has ended:\n%s", p.stderr)
		}
		return listening(p.stderr.String(), "data") == g.address
	})
}

// served counts the requests in the access log of a generation, all of which
// must have been answered with 200.
func (g *generations) served(generation int) int64 {
	g.t.Helper()
	text, err := os.ReadFile(g.accessLog(generation))
	if err != nil {
		g.t.Fatal(err)
	}
	var count int64
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `"http.response.status_code":200,`) {
			g.t.Fatalf("generation %d: %s", generation, line)
		}
		count++
	}
	return count
}

// checkServed checks that every generation had its part, and that all of them
// together served each request once.
func (g *generations) checkServed(asked int64) {
	g.t.Helper()
	var all int64
	for generation := range g.count {
		n := g.served(generation)
		if n < 100 {
			g.t.Errorf("generation %d served %d requests: the test has shown little", generation, n)
		}
		all += n
	}
	if all != asked {
		g.t.Errorf("the routers served %d requests, the visitors made %d", all, asked)
	}
	g.t.Logf("%d requests, %d restarts", asked, restarts)
}

// crowds are visitors of three kinds.
type crowds []*crowd

// visitors ask over new connections, over kept ones, and over HTTP/2. None of
// them asks twice.
func (g *generations) visitors() crowds {
	return crowds{
		gather(g.t, 4, newLines(g.t, g.address, 4, false).visit),
		gather(g.t, 4, newLines(g.t, g.address, 4, true).visit),
		gather(g.t, 4, multiplexed(g.t, g.address)),
	}
}

// more waits for n further visits of each kind.
func (c crowds) more(n int64) {
	var group sync.WaitGroup
	for _, crowd := range c {
		group.Go(func() { crowd.more(n) })
	}
	group.Wait()
}

func (c crowds) content() {
	for _, crowd := range c {
		crowd.content()
	}
}

func (c crowds) asked() (n int64) {
	for _, crowd := range c {
		n += crowd.asked.Load()
	}
	return n
}

// lines are connections over which HTTP/1 is spoken by hand, so that no client
// library can ask again unseen.
type lines struct {
	address string
	keep    bool
	idle    chan *line
}

type line struct {
	conn net.Conn // nil: none
	r    *bufio.Reader
}

func newLines(t *testing.T, address string, n int, keep bool) *lines {
	l := &lines{address: address, keep: keep, idle: make(chan *line, n)}
	for range n {
		one := &line{}
		l.idle <- one
		t.Cleanup(one.hangUp)
	}
	return l
}

func (l *lines) visit(int64) error {
	one := <-l.idle
	defer func() { l.idle <- one }()
	reused := one.conn != nil
	over, err := one.ask(l.address)
	if over || !l.keep {
		one.hangUp()
	}
	if err != nil {
		return fmt.Errorf("on a connection that was new %t: %w", !reused, err)
	}
	return nil
}

// ask asks once; over: the connection must not be used again.
func (l *line) ask(address string) (over bool, err error) {
	if l.conn == nil {
		if l.conn, err = net.DialTimeout("tcp", address, patience); err != nil {
			l.conn = nil
			return true, err
		}
		l.r = bufio.NewReader(l.conn)
	}
	if _, err := io.WriteString(l.conn, "POST /orders/42 HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nhi"); err != nil {
		return true, err
	}
	res, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return true, err
	}
	return res.Close, checkOrder(res)
}

func (l *line) hangUp() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

// multiplexed asks over HTTP/2 without TLS. Its client asks again only what a
// router has said (GOAWAY) it did not look at.
func multiplexed(t *testing.T, address string) func(int64) error {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: patience}
	return func(int64) error {
		res, err := client.Post("http://"+address+"/orders/42", "text/plain", strings.NewReader("hi"))
		if err != nil {
			return err
		}
		return checkOrder(res)
	}
}

// checkOrder reads an answer and says what is wrong with it.
func checkOrder(res *http.Response) error {
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || string(body) != order {
		return fmt.Errorf("%s: %q", res.Status, body)
	}
	return nil
}

// managed are the sockets that a service manager holds.
type managed struct {
	data, admin net.Listener
	files       []*os.File
}

func listenAsManager(t *testing.T) managed {
	t.Helper()
	var m managed
	for _, listener := range []*net.Listener{&m.data, &m.admin} {
		opened, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		file, err := opened.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { opened.Close(); file.Close() })
		*listener = opened
		m.files = append(m.files, file)
	}
	return m
}

// notifySocket hears what a program tells its service manager.
type notifySocket struct {
	path string
	conn *net.UnixConn
	mu   sync.Mutex
	said []string // guarded by mu
}

func newNotifySocket(t *testing.T) *notifySocket {
	t.Helper()
	n := &notifySocket{path: "@strangler-" + strconv.Itoa(os.Getpid())} // a file's path might be too long
	var err error
	if n.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: n.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.conn.Close() })
	go func() {
		message := make([]byte, 4<<10)
		for {
			size, err := n.conn.Read(message)
			if errors.Is(err, net.ErrClosed) || err != nil {
				return
			}
			n.mu.Lock()
			n.said = append(n.said, string(message[:size]))
			n.mu.Unlock()
		}
	}()
	return n
}

// heard waits until each state has been told, and forgets them.
func (n *notifySocket) heard(t *testing.T, states ...string) {
	t.Helper()
	for _, state := range states {
		eventually(t, "the service manager hears "+state, func() bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			i := slices.Index(n.said, state)
			if i >= 0 {
				n.said = slices.Delete(n.said, 0, i+1)
			}
			return i >= 0
		})
	}
}
