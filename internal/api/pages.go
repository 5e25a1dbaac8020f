package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// The dashboard's place, and what its pages may do.
const (
	indexPage = "index.html"
	assets    = "assets/" // their names hold a hash of what is in them

	pagesPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

// errNoIndex says that the files are not those of a dashboard.
var errNoIndex = errors.New("there is no " + indexPage)

// page is one file of the dashboard.
type page struct {
	body      []byte
	gzipped   []byte // nil: that would not be smaller
	mediaType string
	tag       string // weak, for it is the same for both
}

// readPages reads all files, so that what is asked for can be nothing else. Nil
// gives none.
func readPages(files fs.FS) (map[string]page, error) {
	if files == nil {
		return nil, nil //nolint:nilnil // no files, no pages
	}
	pages := make(map[string]page)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		pages[name], err = newPage(name, body)
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, known := pages[indexPage]; !known {
		return nil, errNoIndex
	}
	return pages, nil
}

func newPage(name string, body []byte) (page, error) {
	sum := sha256.Sum256(body)
	p := page{body: body, mediaType: mediaTypeOf(name), tag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}
	var small bytes.Buffer
	zip, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return p, err
	}
	_, err = zip.Write(body)
	if err = errors.Join(err, zip.Close()); err != nil {
		return p, err
	}
	if small.Len() < len(body) {
		p.gzipped = small.Bytes()
	}
	return p, nil
}

// mediaTypeOf knows what a dashboard is made of. The machine's own table may know
// less, or something else.
func mediaTypeOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		return "application/octet-stream"
	}
}

// dashboard answers with its pages, and leaves to next what is none of them.
func (s *server) dashboard(next http.Handler) http.Handler {
	if s.pages == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, known := s.pageFor(r)
		if !known {
			next.ServeHTTP(w, r)
			return
		}
		s.addressed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.writePage(w, r, name) })).ServeHTTP(w, r)
	})
}

// pageFor finds the file that a request is for. A browser that goes to a place
// within the dashboard is given index.html, which shows that place.
func (s *server) pageFor(r *http.Request) (name string, known bool) {
	name = strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		return indexPage, true
	}
	if _, known = s.pages[name]; known {
		return name, true
	}
	within := !strings.HasPrefix(name, "api/") && !strings.HasPrefix(name, assets)
	return indexPage, within && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// writePage answers with a file, which a browser keeps: an asset for good, the others
// until they are asked for again.
func (s *server) writePage(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		s.fail(w, r, newProblem(http.StatusMethodNotAllowed, "wrong_method", "That cannot be done here.",
			fmt.Sprintf("%q takes GET, HEAD, not %s; nothing was changed", r.URL.Path, r.Method), ""))
		return
	}
	p := s.pages[name]
	h.Set("Content-Security-Policy", pagesPolicy)
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, assets) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Vary", "Accept, Accept-Encoding")
	h.Set("ETag", p.tag)
	if strings.Contains(r.Header.Get("If-None-Match"), p.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := p.body
	if p.gzipped != nil && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = p.gzipped
	}
	h.Set("Content-Type", p.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // a client that left does not want it
	}
}

// takesGzip reports whether a client says that it reads gzip. All browsers do.
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			return !strings.HasPrefix(strings.ReplaceAll(weight, " ", ""), "q=0") || strings.ContainsAny(weight, "123456789")
		}
	}
	return false
}
