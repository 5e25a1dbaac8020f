package test_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// memory reads an amount of /proc/PID/status, in bytes: VmRSS is what the
// process holds of the machine's memory, VmHWM the most it has ever held.
func (p *process) memory(name string) int {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			number, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			if err != nil {
				p.t.Fatal(err)
			}
			return number * kib
		}
	}
	p.t.Fatalf("no %s in %s", name, text)
	return 0
}

// settled is the resident memory once it has not moved by a hundredth for a second.
func (p *process) settled() int {
	p.t.Helper()
	last, since := p.memory("VmRSS"), time.Now()
	eventually(p.t, "memory settles", func() bool {
		if now := p.memory("VmRSS"); now < last-last/100 || now > last+last/100 {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
	return last
}

// goroutines is what the router's metrics say.
func (r *router) goroutines(token string) int {
	r.t.Helper()
	return r.metric(token, "go_goroutines")
}

// metric is one number of the router's metrics, whose series has no labels.
func (r *router) metric(token, name string) int {
	r.t.Helper()
	for line := range strings.Lines(r.metrics(token)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				r.t.Fatal(err)
			}
			return int(number)
		}
	}
	r.t.Fatalf("no %s in the metrics", name)
	return 0
}

// metrics is what the router answers a scrape.
func (r *router) metrics(token string) string {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+r.admin+"/metrics", http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		r.t.Fatalf("the metrics: %s, %v", res.Status, err)
	}
	return string(text)
}

// skipWithoutMeaning skips a test about memory where its figures say nothing.
func skipWithoutMeaning(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector multiplies memory")
	}
	if testing.Short() {
		t.Skip("seconds of load; run without -short")
	}
}
