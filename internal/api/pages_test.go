package api_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stranglerfig/strangler/internal/api"
)

// site is a dashboard of a few files.
func site() fstest.MapFS {
	return fstest.MapFS{
		"index.html":              {Data: []byte(`<!doctype html><script type="module" src="/assets/app-1a2b.js"></script>`)},
		"favicon.svg":             {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"assets/app-1a2b.js":      {Data: []byte(strings.Repeat("console.log('routes')\n", 100))},
		"assets/app-1a2b.css":     {Data: []byte("a{}")},
		"assets/deeper/chart.png": {Data: []byte{0x89, 'P', 'N', 'G'}},
	}
}

func openSite(t *testing.T) *house {
	t.Helper()
	return openShop(t, func(c *api.Config) { c.Pages = site() })
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// fetch asks for a page as somebody who is not signed in.
func (h *house) fetch(method, path string, options ...option) *answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, o := range options {
		o(r)
	}
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return &answer{t: h.t, what: method + " " + path, status: res.StatusCode, header: res.Header, body: body}
}

func asBrowser(r *http.Request) {
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
}

func TestPagesNeedNoSession(t *testing.T) {
	h := openSite(t)
	for path, want := range map[string]struct{ file, media, cache string }{
		"/":                        {"index.html", "text/html; charset=utf-8", "no-cache"},
		"/index.html":              {"index.html", "text/html; charset=utf-8", "no-cache"},
		"/favicon.svg":             {"favicon.svg", "image/svg+xml", "no-cache"},
		"/assets/app-1a2b.js":      {"assets/app-1a2b.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/app-1a2b.css":     {"assets/app-1a2b.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/deeper/chart.png": {"assets/deeper/chart.png", "image/png", "public, max-age=31536000, immutable"},
	} {
		a := h.fetch(http.MethodGet, path).want(http.StatusOK)
		if !bytes.Equal(a.body, site()[want.file].Data) || a.header.Get("Content-Type") != want.media || a.header.Get("Cache-Control") != want.cache {
			t.Errorf("%s: %v %q", path, a.header, a.body)
		}
		if a.header.Get("Content-Security-Policy") != policy || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, a.header)
		}
		again := h.fetch(http.MethodGet, path, header("If-None-Match", a.header.Get("ETag"))).want(http.StatusNotModified)
		if len(again.body) != 0 || again.header.Get("Cache-Control") != want.cache {
			t.Errorf("%s again: %v", path, again.header)
		}
		head := h.fetch(http.MethodHead, path).want(http.StatusOK)
		if len(head.body) != 0 || head.header.Get("Content-Length") != a.header.Get("Content-Length") {
			t.Errorf("HEAD %s: %v %q", path, head.header, head.body)
		}
	}
}

func TestPlacesWithinTheDashboardAreItsIndex(t *testing.T) {
	h := openSite(t)
	for _, path := range []string{"/routes/orders-get", "/routes/orders.get", "/routes?stage=canary&q=%3Cscript%3E", "/history", "/routes/%3Cimg%20onerror%3E", "/apiary"} {
		a := h.fetch(http.MethodGet, path, asBrowser).want(http.StatusOK)
		if !bytes.Equal(a.body, site()["index.html"].Data) || a.header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s: %v %q", path, a.header, a.body)
		}
		h.fetch(http.MethodGet, path).problem(http.StatusNotFound, "no_such_operation") // no browser asks for a page
	}
}

func TestWhatIsNoPageIsAProblem(t *testing.T) {
	h := openSite(t)
	for _, path := range []string{
		"/assets/", "/assets/deeper/", "/assets/gone.js", "/assets/../index.html", "/assets/%2e%2e/index.html", "/api/v1/nothing", "/api/",
	} {
		a := h.fetch(http.MethodGet, path, asBrowser)
		a.problem(http.StatusNotFound, "no_such_operation")
		if bytes.Contains(a.body, []byte("app-1a2b")) {
			t.Errorf("%s lists files: %s", path, a.body)
		}
	}
	post := h.fetch(http.MethodPost, "/")
	if post.problem(http.StatusMethodNotAllowed, "wrong_method"); post.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("%v", post.header)
	}
	h.fetch(http.MethodGet, "/", header("Host", "evil.example")).problem(http.StatusMisdirectedRequest, "misdirected")
	h.fetch(http.MethodGet, "/api/v1/routes", asBrowser).problem(http.StatusUnauthorized, "unauthenticated")
}

func TestPagesAreCompressedForWhoReadsThat(t *testing.T) {
	h := openSite(t)
	const path = "/assets/app-1a2b.js"
	for _, no := range []string{"", "identity", "br", "gzip;q=0", "gzip; q=0.0"} {
		if a := h.fetch(http.MethodGet, path, header("Accept-Encoding", no)); a.header.Get("Content-Encoding") != "" {
			t.Errorf("%q: %v", no, a.header)
		}
	}
	for _, yes := range []string{"gzip", "gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.5"} {
		a := h.fetch(http.MethodGet, path, header("Accept-Encoding", yes)).want(http.StatusOK)
		unzip, err := gzip.NewReader(bytes.NewReader(a.body))
		if err != nil || a.header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%q: %v %v", yes, err, a.header)
		}
		if body, err := io.ReadAll(unzip); err != nil || !bytes.Equal(body, site()[path[1:]].Data) || len(a.body) >= len(body) {
			t.Errorf("%q: %d bytes became %d: %v", yes, len(a.body), len(body), err)
		}
	}
	if css := h.fetch(http.MethodGet, "/assets/app-1a2b.css", header("Accept-Encoding", "gzip")); css.header.Get("Content-Encoding") != "" {
		t.Error("three bytes were made more by gzip")
	}
}

func TestPagesWithoutAnIndexAreRefused(t *testing.T) {
	var cfg api.Config
	openShop(t, func(c *api.Config) { cfg = *c })
	cfg.Pages = site()
	if _, err := api.New(cfg); err != nil {
		t.Fatal(err)
	}
	files := site()
	delete(files, "index.html")
	cfg.Pages = files
	if _, err := api.New(cfg); !errors.Is(err, api.ErrConfig) {
		t.Errorf("%v, want ErrConfig", err)
	}
}
