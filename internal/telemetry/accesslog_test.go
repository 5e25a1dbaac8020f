package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// sink is a writer that can be slow or fail, as disks and pipes are.
type sink struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	gate   chan struct{} // when set, a write waits for it
	err    error         // when set, a write fails
	accept int           // after so many bytes
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		n := min(s.accept, len(p))
		s.accept -= n
		s.buf.Write(p[:n])
		return n, s.err
	}
	return s.buf.Write(p)
}

func (s *sink) with(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// parse fails the test unless every line is one JSON object.
func parse(t *testing.T, text string) []map[string]any {
	t.Helper()
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Fatalf("the last line is torn: %q", text[max(0, len(text)-80):])
	}
	var objects []map[string]any
	for line := range strings.Lines(text) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		objects = append(objects, object)
	}
	return objects
}

// closed closes a log that has no reason to complain.
func closed(tb testing.TB, log *telemetry.AccessLog) {
	tb.Helper()
	if err := log.Close(); err != nil {
		tb.Error(err)
	}
}

func TestLinesAreWrittenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{}
		log := telemetry.NewAccessLog(out)
		defer closed(t, log)
		for round := 1; round <= 3; round++ {
			log.Log(&exchange.Exchange{Path: "/"})
			log.Log(&exchange.Exchange{Path: "/"})
			synctest.Wait()
			if n := len(parse(t, out.text())); n != 2*round-2 {
				t.Errorf("%d lines at once, want them to be gathered", n)
			}
			time.Sleep(250 * time.Millisecond)
			synctest.Wait()
			if n := len(parse(t, out.text())); n != 2*round {
				t.Errorf("%d lines after a quarter of a second, want %d", n, 2*round)
			}
		}
	})
}

func TestManyLinesAreWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{}
		log := telemetry.NewAccessLog(out)
		defer closed(t, log)
		start := time.Now()
		for range 100 {
			log.Log(&exchange.Exchange{Path: "/" + strings.Repeat("x", 400)})
		}
		synctest.Wait()
		if out.text() == "" || time.Since(start) != 0 {
			t.Error("nothing was written before the timer")
		}
	})
}

func TestCloseWritesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{}
		log := telemetry.NewAccessLog(out)
		log.Log(&exchange.Exchange{Path: "/"})
		for range 2 { // closing twice is harmless
			closed(t, log)
		}
		log.Log(&exchange.Exchange{Path: "/late"})
		if n := len(parse(t, out.text())); n != 1 {
			t.Errorf("%d lines, want the one that was logged before", n)
		}
	})
}

// However long the writer takes, logging does not wait; what cannot be kept is
// counted, and the log says so.
func TestSlowWriterCostsLinesAndNotTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		out := &sink{gate: gate}
		log := telemetry.NewAccessLog(out)
		start := time.Now()
		const logged = 10_000
		for range logged {
			log.Log(&exchange.Exchange{Path: "/" + strings.Repeat("x", 1000)})
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("logging waited %s", waited)
		}
		close(gate)
		closed(t, log)
		wantAllOrDropped(t, parse(t, out.text()), logged)
	})
}

// wantAllOrDropped checks that every line was written or is accounted for.
func wantAllOrDropped(t *testing.T, objects []map[string]any, logged int) {
	t.Helper()
	kept, dropped := 0, 0
	for _, object := range objects {
		if object["msg"] == "access log lines dropped" {
			n, _ := object["dropped"].(float64)
			dropped += int(n)
			continue
		}
		kept++
	}
	if dropped == 0 || kept == 0 || kept+dropped != logged {
		t.Errorf("%d lines kept and %d said to be dropped of %d", kept, dropped, logged)
	}
}

func TestFailingWriterLeavesWholeLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left on device")
		out := &sink{}
		log := telemetry.NewAccessLog(out)
		logged := 0
		write := func() {
			for range 3 {
				log.Log(&exchange.Exchange{Path: "/orders"})
				logged++
			}
			time.Sleep(time.Second)
		}
		write()
		out.with(func() { out.err, out.accept = full, 200 }) // in the middle of the second line
		write()
		write()
		out.with(func() { out.err = nil })
		write()
		closed(t, log)
		var whole []map[string]any
		torn := 0
		for line := range strings.Lines(out.text()) {
			var object map[string]any
			if json.Unmarshal([]byte(line), &object) != nil {
				torn++
				continue
			}
			whole = append(whole, object)
		}
		if torn != 1 {
			t.Errorf("%d torn lines, want only the one the disk broke off:\n%s", torn, out.text())
		}
		wantAllOrDropped(t, whole, logged)
	})
}

func TestCloseReturnsTheErrorOfTheWriter(t *testing.T) {
	full := errors.New("no space left on device")
	log := telemetry.NewAccessLog(&sink{err: full})
	log.Log(&exchange.Exchange{Path: "/"})
	if err := log.Close(); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

func TestStuckWriterDoesNotKeepARouterFromStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		log := telemetry.NewAccessLog(&sink{gate: gate})
		log.Log(&exchange.Exchange{Path: "/"})
		start := time.Now()
		if err := log.Close(); err == nil {
			t.Error("no error about the lines that are lost")
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("closing took %s", took)
		}
		close(gate)
	})
}

func TestLoggingFromManyGoroutines(t *testing.T) {
	out := &sink{}
	log := telemetry.NewAccessLog(out)
	const workers, each = 8, 300
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				log.Log(&exchange.Exchange{Path: "/orders", UserAgent: strings.Repeat("u", 50)})
			}
		})
	}
	wg.Wait()
	closed(t, log)
	if n := len(parse(t, out.text())); n != workers*each {
		t.Errorf("%d lines", n)
	}
}

func TestOffLogsNothing(t *testing.T) {
	out := &sink{}
	log, err := telemetry.OpenAccessLog("off", out)
	if err != nil {
		t.Fatal(err)
	}
	log.Log(&exchange.Exchange{Path: "/"})
	if err := errors.Join(log.Reopen(), log.Close()); err != nil {
		t.Fatal(err)
	}
	if out.text() != "" {
		t.Errorf("wrote %q", out.text())
	}
}

func TestDashLogsToStdout(t *testing.T) {
	out := &sink{}
	log, err := telemetry.OpenAccessLog("-", out)
	if err != nil {
		t.Fatal(err)
	}
	log.Log(&exchange.Exchange{Path: "/"})
	if err := errors.Join(log.Reopen(), log.Close()); err != nil {
		t.Fatal(err)
	}
	if n := len(parse(t, out.text())); n != 1 {
		t.Errorf("%d lines", n)
	}
}

func open(t *testing.T, path string) *telemetry.AccessLog {
	t.Helper()
	log, err := telemetry.OpenAccessLog(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log
}

func paths(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, object := range parse(t, string(text)) {
		path, _ := object["url.path"].(string)
		all = append(all, path)
	}
	return all
}

func TestFileIsAppendedTo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	for _, path := range []string{"/first", "/second"} {
		log := open(t, file)
		log.Log(&exchange.Exchange{Path: path})
		closed(t, log)
	}
	if got := strings.Join(paths(t, file), " "); got != "/first /second" {
		t.Errorf("the file has %s", got)
	}
}

func TestReopenFollowsARotation(t *testing.T) {
	folder := t.TempDir()
	file, moved := filepath.Join(folder, "access.log"), filepath.Join(folder, "access.log.1")
	log := open(t, file)
	log.Log(&exchange.Exchange{Path: "/before"})
	if err := os.Rename(file, moved); err != nil {
		t.Fatal(err)
	}
	log.Log(&exchange.Exchange{Path: "/moved"})
	if err := log.Reopen(); err != nil {
		t.Fatal(err)
	}
	log.Log(&exchange.Exchange{Path: "/after"})
	closed(t, log)
	if got := strings.Join(paths(t, moved), " "); got != "/before /moved" {
		t.Errorf("the old file has %s", got)
	}
	if got := strings.Join(paths(t, file), " "); got != "/after" {
		t.Errorf("the new file has %s", got)
	}
}

func TestFailedReopenKeepsTheFile(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "logs")
	moved := folder + ".old"
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	log := open(t, filepath.Join(folder, "access.log"))
	if err := os.Rename(folder, moved); err != nil {
		t.Fatal(err)
	}
	if err := log.Reopen(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "goes on in the file that was open") {
		t.Errorf("error %v", err)
	}
	log.Log(&exchange.Exchange{Path: "/still"})
	closed(t, log)
	if got := strings.Join(paths(t, filepath.Join(moved, "access.log")), " "); got != "/still" {
		t.Errorf("the file has %s", got)
	}
}

func TestUnusableFileIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "missing", "access.log")
	if _, err := telemetry.OpenAccessLog(file, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
}
