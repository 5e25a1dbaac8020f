package app_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
)

// Who watches keeps no router from stopping, and is told why it ends.
func TestARouterThatStopsEndsItsStreams(t *testing.T) {
	legacy := monolith(t)
	r := run(t, func(c *app.Config) { c.Legacy, c.DrainTimeout = legacy, 30*time.Second }, quiet())
	r.get(t, "/")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.AdminAddr().String()+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer token-of-the-test")
	stream, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	var named []string
	ended := time.Duration(-1)
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		name, isName := strings.CutPrefix(lines.Text(), "event: ")
		if !isName {
			continue
		}
		named = append(named, name)
		if name == "routes" && ended < 0 {
			began := time.Now()
			if err := r.end(); err != nil {
				t.Error(err)
			}
			ended = time.Since(began)
		}
	}
	if len(named) == 0 || named[0] != "hello" || named[len(named)-1] != "bye" || ended < 0 || ended > 10*time.Second {
		t.Errorf("the stream told %v, and the router stopped after %s", named, ended)
	}
}
