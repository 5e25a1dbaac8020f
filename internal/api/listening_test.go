package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
)

// sent is one server-sent event as it came.
type sent struct {
	name string
	id   int64 // -1: none
	data string
}

// listening is an open stream.
type listening struct {
	t      *testing.T
	events chan sent // closed at its end
	leave  context.CancelFunc
}

// listen opens a stream as a viewer, unless an option says otherwise.
func (h *house) listen(options ...option) *listening {
	h.t.Helper()
	return h.listenAt(h.server.URL, options...)
}

func (h *house) listenAt(url string, options ...option) *listening {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	h.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/stream", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	as(h.secrets[auth.Viewer])(r)
	for _, o := range options {
		o(r)
	}
	res, err := h.server.Client().Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		h.t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	l := &listening{t: h.t, events: make(chan sent, 100_000), leave: cancel}
	go l.read(res)
	return l
}

func (l *listening) read(res *http.Response) {
	defer close(l.events)
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewReader(res.Body)
	next := sent{id: -1}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "event":
			next.name = value
		case "id":
			next.id, _ = strconv.ParseInt(value, 10, 64)
		case "data":
			next.data = value
		case "":
			if next.name != "" {
				l.events <- next
			}
			next = sent{id: -1}
		}
	}
}

// next returns the next event of that name; others in between are passed over.
func (l *listening) next(name string) sent {
	l.t.Helper()
	for end := time.After(20 * time.Second); ; {
		select {
		case event, open := <-l.events:
			if !open {
				l.t.Fatalf("the stream ended before %s came", name)
			}
			if event.name == name {
				return event
			}
		case <-end:
			l.t.Fatalf("no %s came", name)
		}
	}
}

// history reads events of the history until the one with that id.
func (l *listening) history(until int64) []int64 {
	l.t.Helper()
	var ids []int64
	for {
		event := l.next("history")
		ids = append(ids, event.id)
		if event.id >= until {
			return ids
		}
	}
}

// ended waits for the end of the stream, and returns its last event.
func (l *listening) ended() (last sent) {
	l.t.Helper()
	for end := time.After(20 * time.Second); ; {
		select {
		case event, open := <-l.events:
			if !open {
				return last
			}
			last = event
		case <-end:
			l.t.Fatal("the stream did not end")
		}
	}
}

// read decodes what an event holds, and holds it to openapi.yaml.
func readSent[T any](l *listening, event sent, schema string) T {
	l.t.Helper()
	promise, err := schemas().schema("/components/schemas/" + schema)
	if err != nil {
		l.t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal([]byte(event.data), &value); err != nil {
		l.t.Fatalf("%s: %v in %s", event.name, err, event.data)
	}
	if err := promise.Validate(value); err != nil {
		l.t.Fatalf("%s is not what openapi.yaml promises: %v\n%s", event.name, err, event.data)
	}
	var read T
	d := json.NewDecoder(strings.NewReader(event.data))
	d.DisallowUnknownFields()
	if err := d.Decode(&read); err != nil {
		l.t.Fatalf("%s: %v in %s", event.name, err, event.data)
	}
	return read
}
