package proxy

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// nameServer is a DNS server on loopback.
type nameServer struct {
	conn net.PacketConn

	mu      sync.Mutex
	records map[string][]netip.Addr
	code    dnsmessage.RCode
	silent  bool
	asked   int // questions for A records
}

func newNameServer(t testing.TB) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{conn: conn, records: map[string][]netip.Addr{}}
	done := make(chan struct{})
	go func() { defer close(done); s.serve() }()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return s
}

// set says what the server knows from now on.
func (s *nameServer) set(code dnsmessage.RCode, addresses ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = code
	s.records["shop.test."] = nil
	for _, text := range addresses {
		s.records["shop.test."] = append(s.records["shop.test."], netip.MustParseAddr(text))
	}
}

func (s *nameServer) mute(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

func (s *nameServer) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *nameServer) serve() {
	buffer := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var question dnsmessage.Message
		if question.Unpack(buffer[:n]) != nil {
			continue
		}
		if answer, ok := s.answer(question); ok {
			_, _ = s.conn.WriteTo(answer, from)
		}
	}
}

func (s *nameServer) answer(m dnsmessage.Message) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Response, m.RCode, m.Additionals = true, s.code, nil
	for _, q := range m.Questions {
		if q.Type == dnsmessage.TypeA {
			s.asked++
		}
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		for _, address := range s.records[q.Name.String()] {
			switch {
			case q.Type == dnsmessage.TypeA && address.Is4():
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: address.As4()}})
			case q.Type == dnsmessage.TypeAAAA && address.Is6():
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}})
			}
		}
	}
	packed, err := m.Pack()
	return packed, err == nil && !s.silent
}

func (s *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", s.conn.LocalAddr().String())
	}}
}

// names returns what resolves by the server, with a life of addresses that is
// short enough for a test.
func (s *nameServer) names(t testing.TB, fresh, stale time.Duration) (*names, *safeBuffer) {
	log := &safeBuffer{}
	n := newNames(s.resolver(), slog.New(slog.NewTextHandler(log, nil)))
	n.fresh, n.stale = fresh, stale
	t.Cleanup(n.end)
	return n, log
}

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.buf.String(), text)
}

// resolved is what a name is, as text.
func resolved(t testing.TB, n *names) string {
	t.Helper()
	addresses, err := n.get("shop.test").resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, a := range addresses {
		texts = append(texts, a.Unmap().String())
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

// eventually waits until a condition holds that does not need us.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

func TestNamesAreAskedOnceWhileFresh(t *testing.T) {
	s := newNameServer(t)
	s.set(dnsmessage.RCodeSuccess, "127.0.0.2", "127.0.0.3")
	n, _ := s.names(t, time.Hour, time.Hour)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got := resolved(t, n); got != "127.0.0.2 127.0.0.3" {
				t.Errorf("got %s", got)
			}
		})
	}
	all.Wait()
	if got := s.questions(); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

func TestNewAddressesAreFoundBesideTheDials(t *testing.T) {
	s := newNameServer(t)
	s.set(dnsmessage.RCodeSuccess, "127.0.0.2")
	n, _ := s.names(t, time.Millisecond, time.Hour)
	resolved(t, n)
	s.set(dnsmessage.RCodeSuccess, "127.0.0.3")
	eventually(t, "moved", func() bool { return resolved(t, n) == "127.0.0.3" })
	s.mute(true) // nobody who connects waits for that
	time.Sleep(2 * time.Millisecond)
	for began := time.Now(); time.Since(began) < 50*time.Millisecond; {
		if got := resolved(t, n); got != "127.0.0.3" {
			t.Fatalf("got %s", got)
		}
	}
}

func TestLastAddressesStayWhenDNSHasGone(t *testing.T) {
	for name, gone := range map[string]func(*nameServer){
		"it fails":       func(s *nameServer) { s.set(dnsmessage.RCodeServerFailure) },
		"it denies":      func(s *nameServer) { s.set(dnsmessage.RCodeNameError) },
		"it knows none":  func(s *nameServer) { s.set(dnsmessage.RCodeSuccess) },
		"nobody listens": func(s *nameServer) { _ = s.conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newNameServer(t)
			s.set(dnsmessage.RCodeSuccess, "127.0.0.2")
			n, log := s.names(t, time.Millisecond, 2*time.Millisecond)
			resolved(t, n)
			gone(s)
			eventually(t, "noticed", func() bool {
				if got := resolved(t, n); got != "127.0.0.2" {
					t.Fatalf("got %s", got)
				}
				return log.count("cannot be resolved") > 0
			})
			for range 10 {
				time.Sleep(3 * time.Millisecond) // stale: who asks waits for the next look-up
				resolved(t, n)
			}
			if got := log.count("cannot be resolved"); got != 1 {
				t.Errorf("said %d times that it cannot be resolved", got)
			}
			if name == "nobody listens" {
				return
			}
			s.set(dnsmessage.RCodeSuccess, "127.0.0.4")
			eventually(t, "back", func() bool { return resolved(t, n) == "127.0.0.4" })
			if got := log.count("can be resolved again"); got != 1 {
				t.Errorf("said %d times that it can be resolved again", got)
			}
		})
	}
}

func TestStaleNameWaitsABitForDNS(t *testing.T) {
	s := newNameServer(t)
	s.set(dnsmessage.RCodeSuccess, "127.0.0.2")
	n, _ := s.names(t, time.Nanosecond, time.Nanosecond)
	resolved(t, n)
	s.set(dnsmessage.RCodeSuccess, "127.0.0.3")
	if got := resolved(t, n); got != "127.0.0.3" {
		t.Errorf("nobody had connected for long, and the old address was used: %s", got)
	}
	s.mute(true)
	began := time.Now()
	if got := resolved(t, n); got != "127.0.0.3" {
		t.Errorf("got %s", got)
	}
	if took := time.Since(began); took < namePatient || took > nameLookup {
		t.Errorf("waited %s for a DNS that says nothing", took)
	}
}

func TestUnknownNameIsAnError(t *testing.T) {
	s := newNameServer(t)
	s.set(dnsmessage.RCodeNameError)
	n, log := s.names(t, time.Hour, time.Hour)
	if _, err := n.get("shop.test").resolve(t.Context()); err == nil || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("got %v", err)
	}
	s.set(dnsmessage.RCodeSuccess, "127.0.0.2") // is asked again at once
	if got := resolved(t, n); got != "127.0.0.2" {
		t.Errorf("got %s", got)
	}
	if got := log.count("resolved"); got != 0 {
		t.Error("logged what the one who asked was told")
	}
	s.mute(true)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := n.get("other.test").resolve(ctx); err == nil || err.Error() != "lookup other.test: no answer in time" {
		t.Errorf("got %v", err)
	}
}

func TestNamesThatNobodyUsesAreForgotten(t *testing.T) {
	n := newNames(nil, slog.New(slog.DiscardHandler))
	defer n.end()
	kept, dropped := n.get("a"), n.get("b")
	n.keepOnly(map[string]struct{}{"a": {}})
	if n.get("a") != kept || n.get("b") == dropped {
		t.Error("the wrong one was forgotten")
	}
}

func TestAddressesShareTheLoad(t *testing.T) {
	parse := func(texts ...string) (all []netip.Addr) {
		for _, text := range texts {
			all = append(all, netip.MustParseAddr(text))
		}
		return all
	}
	mixed := parse("2001:db8::1", "192.0.2.1", "2001:db8::2", "::ffff:192.0.2.2", "2001:db8::3")
	for random, want := range [][]netip.Addr{
		parse("2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "::ffff:192.0.2.2"),
		parse("2001:db8::2", "2001:db8::3", "2001:db8::1", "::ffff:192.0.2.2", "192.0.2.1"),
		parse("2001:db8::3", "2001:db8::1", "2001:db8::2", "192.0.2.1", "::ffff:192.0.2.2"),
	} {
		if got := rotated(mixed, uint64(random)); !slices.Equal(got, want) {
			t.Errorf("random %d: got %v", random, got)
		}
	}
}

// at serves on one loopback address and says which.
func at(t testing.TB, address, port string) string {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(address, port))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, address)
	}))
	_ = s.Listener.Close()
	s.Listener = ln
	s.Start()
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	return port
}

// ask makes one request over a connection of its own.
func ask(t testing.TB, d *dialer, url string) (string, error) {
	t.Helper()
	transport := d.transport(HTTP1)
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func TestDialTriesTheAddressesInTurn(t *testing.T) {
	s := newNameServer(t)
	n, _ := s.names(t, time.Nanosecond, time.Nanosecond)
	port := at(t, "127.0.0.2", "0")
	at(t, "127.0.0.4", port)
	d := newDialer(poolKey{connect: 10 * time.Second}, n, slog.New(slog.DiscardHandler))
	url := "http://shop.test:" + port + "/"

	s.set(dnsmessage.RCodeSuccess, "127.0.0.2", "127.0.0.3", "127.0.0.4") // nobody listens on the second
	answers := map[string]int{}
	for range 40 {
		got, err := ask(t, d, url)
		if err != nil {
			t.Fatal(err)
		}
		answers[got]++
	}
	if answers["127.0.0.2"] < 5 || answers["127.0.0.4"] < 5 || len(answers) != 2 {
		t.Errorf("answered: %v", answers)
	}
	s.set(dnsmessage.RCodeSuccess, "127.0.0.3", "127.0.0.5")
	if _, err := ask(t, d, url); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
	s.set(dnsmessage.RCodeSuccess, "169.254.169.254")
	if _, err := ask(t, d, url); err == nil || !strings.Contains(err.Error(), "metadata") {
		t.Errorf("the metadata service was dialled: %v", err)
	}
	s.set(dnsmessage.RCodeNameError)
	if _, err := ask(t, d, "http://other.test:"+port+"/"); err == nil || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("got %v", err)
	}
}

func TestDialDoesNotWaitForABlackHole(t *testing.T) {
	hole, err := net.Listen("tcp", "127.0.0.9:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	var tried atomic.Int64
	_, port, _ := net.SplitHostPort(hole.Addr().String())
	at(t, "127.0.0.2", port)
	s := newNameServer(t)
	n, _ := s.names(t, time.Hour, time.Hour)
	d := newDialer(poolKey{connect: 10 * time.Second}, n, slog.New(slog.DiscardHandler))
	check := d.tcp.ControlContext
	d.tcp.ControlContext = blackHole(check, "127.0.0.9:"+port, &tried)
	conn, err := d.race(t.Context(), "tcp", []string{"127.0.0.9:" + port, "127.0.0.2:" + port})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.RemoteAddr().String(); got != "127.0.0.2:"+port || tried.Load() != 1 {
		t.Errorf("connected to %s, the hole was tried %d times", got, tried.Load())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := d.race(ctx, "tcp", []string{"127.0.0.9:" + port, "127.0.0.9:" + port}); err == nil {
		t.Error("connected to a hole")
	}
}

// blackHole makes dials to address wait until they are given up.
func blackHole(check func(context.Context, string, string, syscall.RawConn) error, address string, tried *atomic.Int64) func(context.Context, string, string, syscall.RawConn) error {
	return func(ctx context.Context, network, to string, conn syscall.RawConn) error {
		if to == address {
			tried.Add(1)
			<-ctx.Done()
			return ctx.Err()
		}
		return check(ctx, network, to, conn)
	}
}

// TestRouterOutlivesItsDNS: with DNS gone, new connections reach a backend that
// is known by its name, for requests and for health checks.
func TestRouterOutlivesItsDNS(t *testing.T) {
	s := newNameServer(t)
	s.set(dnsmessage.RCodeSuccess, "127.0.0.2")
	var checks atomic.Int64
	shop := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/up" {
			checks.Add(1)
		}
		w.Header().Set("Connection", "close") // each request needs a connection of its own
		_, _ = io.WriteString(w, "shop")
	}))
	_ = shop.Listener.Close()
	ln, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	shop.Listener = ln
	shop.Start()
	defer shop.Close()

	p := New(Options{Metrics: telemetry.New("test"), AccessLog: telemetry.NewAccessLog(io.Discard), Resolver: s.resolver(), Logger: slog.New(slog.DiscardHandler)})
	defer p.Close()
	p.names.fresh, p.names.stale = time.Millisecond, time.Hour
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	backends := map[string]Backend{"legacy": {
		Endpoints: []string{"http://shop.test:" + port},
		Health:    &Health{Path: "/up", Interval: 5 * time.Millisecond, Timeout: 5 * time.Second, Healthy: 1, Unhealthy: 1},
	}}
	table := routing.Compile(1, []routing.Definition{{Name: "catch-all", Match: routing.Match{Prefix: "/"}, Legacy: "legacy"}})
	<-p.Install(table, p.BuildLanes(table, backends, []Policies{{Legacy: guard.LegacyPolicy(), New: guard.NewPolicy()}}))
	get := func() (int, string) {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w.Code, w.Body.String()
	}
	if status, body := get(); status != 200 || body != "shop" {
		t.Fatalf("got %d %q", status, body)
	}
	s.set(dnsmessage.RCodeServerFailure)
	asked, checked := s.questions(), checks.Load()
	for n := 0; s.questions() < asked+3 || checks.Load() < checked+3; n++ {
		if status, body := get(); status != 200 || body != "shop" {
			t.Fatalf("request %d without DNS: got %d %q", n, status, body)
		}
	}
	if got := p.BackendStates()[0].Endpoints[0]; !got.Healthy || got.Fault != "" {
		t.Errorf("got %+v", got)
	}
}
