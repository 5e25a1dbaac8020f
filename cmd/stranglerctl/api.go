package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
)

const (
	requestTimeout = 30 * time.Second
	answerLimit    = 64 << 20 // bytes; 10,000 routes are about 6 MB
)

// connect returns a client of the router's admin API as the settings say.
func (c *cli) connect() (*client.Client, error) {
	s, err := c.settings()
	if err != nil {
		return nil, err
	}
	return c.connectTo(s)
}

func (c *cli) connectTo(s settings) (*client.Client, error) {
	caller := &caller{cli: c, settings: s, http: &http.Client{Timeout: requestTimeout}}
	return client.NewClient(s.Server, client.WithHTTPClient(caller))
}

// caller sends requests as one person to one router, and knows how to say that
// the router could not be reached.
type caller struct {
	cli      *cli
	settings settings
	http     *http.Client
}

// Do implements client.HttpRequestDoer.
func (c *caller) Do(req *http.Request) (*http.Response, error) {
	if err := c.cli.permit(req.Context(), c.settings, req); err != nil {
		return nil, err
	}
	if c.settings.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.settings.Token)
	}
	req.Header.Set("User-Agent", "stranglerctl/"+programVersion()+" "+runtime.GOOS)
	var sent atomic.Bool // set by the transport's writing goroutine
	trace := &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}
	resp, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return nil, unreachable(c.settings.Server, req.Method, sent.Load(), err)
	}
	return resp, nil
}

// answer is what the router said, decoded and as it came: what -o json prints
// is the router's own text, so that nothing this program does not know is lost.
type answer[T any] struct {
	value  T
	raw    json.RawMessage
	header http.Header
}

// ask reads the answer to a request of the generated client, whose two results
// it takes as they are. Every answer but a success becomes an error.
func ask[T any](resp *http.Response, err error) (answer[T], error) {
	a, err := askRaw(resp, err)
	if err != nil {
		return answer[T]{}, err
	}
	typed := answer[T]{raw: a.raw, header: a.header}
	if err := json.Unmarshal(a.raw, &typed.value); err != nil {
		return answer[T]{}, notAnAdminAPI(resp, "something else than JSON ("+err.Error()+")")
	}
	return typed, nil
}

// askRaw is ask for an answer that is not JSON.
func askRaw(resp *http.Response, err error) (answer[struct{}], error) {
	if err != nil {
		return answer[struct{}]{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return answer[struct{}]{}, unreachable(serverOf(resp), resp.Request.Method, true, err)
	}
	if resp.StatusCode/100 != 2 {
		return answer[struct{}]{}, refusal(resp, body)
	}
	return answer[struct{}]{raw: body, header: resp.Header}, nil
}

// warnStale tells people that an answer is not from the store, or not what is served.
func (c *cli) warnStale(header http.Header) {
	c.warnAway(header)
	if served := header.Get("Strangler-Unfollowed"); served != "" {
		c.note.Linef("%s this is what the store says; the router goes on with revision %s, see stranglerctl doctor",
			c.note.Paint(term.Notice, markWarn), served)
	}
}

// warnAway tells people that an answer is not from the store.
func (c *cli) warnAway(header http.Header) {
	age, err := strconv.Atoi(header.Get("Strangler-Stale"))
	if err != nil {
		return
	}
	c.note.Linef("%s the store is away: this is what the router knew %s",
		c.note.Paint(term.Notice, markWarn), term.Ago(time.Duration(age)*time.Second))
}

// etag writes a revision as If-Match wants it; nil stays nil.
func etag(revision *int64) *string {
	if revision == nil {
		return nil
	}
	return new(fmt.Sprintf(`"%d"`, *revision))
}

// given returns nil for a zero value, for parameters that are left away.
func given[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}
