package compare_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

type header = map[string][]string

// packed compresses a body with each coding in turn.
func packed(t testing.TB, body string, codings ...string) []byte {
	t.Helper()
	data := []byte(body)
	for _, coding := range codings {
		var b bytes.Buffer
		var w io.WriteCloser
		switch coding {
		case "gzip":
			w = gzip.NewWriter(&b)
		case "zlib":
			w = zlib.NewWriter(&b)
		case "raw":
			w, _ = flate.NewWriter(&b, flate.BestCompression)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		data = b.Bytes()
	}
	return data
}

func coded(coding string, body []byte) compare.Answer {
	return compare.Answer{Status: 200, Header: header{"Content-Type": {"application/json"}, "Content-Encoding": {coding}}, Body: body}
}

// Each of these has its documented result.
func TestAnswers(t *testing.T) {
	const object = `{"a":1}`
	bomb := packed(t, strings.Repeat("a", 4<<20), "gzip")
	huge := packed(t, strings.Repeat("0123456789abcdef", 1<<20)+object, "gzip")
	for _, c := range []struct {
		name          string
		legacy, fresh compare.Answer
		want          []string
	}{
		{
			"a status of one class",
			compare.Answer{Status: 200, Body: []byte("a")},
			compare.Answer{Status: 201, Body: []byte("b")},
			[]string{"mismatch", "status status: 200 → 201", "text line 1: a → b"},
		},
		{
			"a status of another class is all that is said", answer("text/plain", "a"),
			compare.Answer{Status: 404, Body: []byte("b")},
			[]string{"mismatch", "status status: 200 → 404"},
		},
		{"no answer", answer("text/plain", "a"), compare.Answer{Failure: "timeout"}, []string{"mismatch", "answer answer: 200 → failure (timeout)"}},
		{"no answer of legacy", compare.Answer{Failure: "reset"}, answer("text/plain", "a"), []string{"mismatch", "answer answer: failure (reset) → 200"}},
		{"no answer at all", compare.Answer{Failure: "reset"}, compare.Answer{Failure: "timeout"}, []string{"skipped unanswered"}},
		{"204 has no body", compare.Answer{Status: 204, Body: []byte("a")}, compare.Answer{Status: 204}, []string{"match"}},
		{"304 has no body", compare.Answer{Status: 304, Body: []byte("a")}, compare.Answer{Status: 304}, []string{"match"}},
		{
			"200 instead of 204",
			compare.Answer{Status: 204},
			answer("application/json", object),
			[]string{"mismatch", "status status: 204 → 200", "extra header Content-Type: nothing → application/json"},
		},
		{
			"a redirect to another place",
			compare.Answer{Status: 302, Header: header{"Location": {"/a"}}},
			compare.Answer{Status: 302, Header: header{"Location": {"/b"}}},
			[]string{"mismatch", "header header Location: /a → /b"},
		},
		{
			"permanent and temporary redirects",
			compare.Answer{Status: 301, Header: header{"Location": {"/a"}}},
			compare.Answer{Status: 302, Header: header{"Location": {"/a"}}},
			[]string{"mismatch", "status status: 301 → 302"},
		},
		{
			"Date, ETag, Server and Set-Cookie say nothing",
			compare.Answer{Status: 200, Header: header{"Date": {"Mon, 23 Nov 2026 10:00:00 GMT"}, "Etag": {`"a"`}, "Server": {"a"}, "Set-Cookie": {"s=1"}}},
			compare.Answer{Status: 200, Header: header{"Date": {"Tue, 24 Nov 2026 10:00:00 GMT"}, "Set-Cookie": {"s=2"}}},
			[]string{"match"},
		},
		{"gzip against nothing", coded("gzip", packed(t, object, "gzip")), answer("application/json", object), []string{"match"}},
		{"gzip against deflate", coded("x-gzip", packed(t, object, "gzip")), coded("deflate", packed(t, object, "zlib")), []string{"match"}},
		{"deflate without its header", coded("deflate", packed(t, object, "raw")), coded("identity", []byte(object)), []string{"match"}},
		{"one coding upon the other", coded("deflate, gzip", packed(t, object, "raw", "gzip")), coded("", []byte(object)), []string{"match"}},
		{"a difference in a decoded body", coded("gzip", packed(t, object, "gzip")), answer("application/json", `{"a":2}`), []string{"mismatch", "value $.a: 1 → 2"}},
		{"a coding that nobody knows", coded("br", []byte("a")), coded("br", []byte("b")), []string{"skipped undecodable"}},
		{"a coding that nobody knows, but the same bytes", coded("br", []byte("a")), coded("br", []byte("a")), []string{"match"}},
		{"the same bytes, coded otherwise", coded("br", []byte(object)), answer("application/json", object), []string{"skipped undecodable"}},
		{"a body that was cut off", coded("gzip", packed(t, object, "gzip")), coded("gzip", packed(t, object, "gzip")[:20]), []string{"skipped undecodable"}},
		{"something behind the body", coded("deflate", append(packed(t, object, "zlib"), 'x')), answer("application/json", object), []string{"skipped undecodable"}},
		{"five codings", coded("gzip,gzip,gzip,gzip,gzip", packed(t, object, "gzip", "gzip", "gzip", "gzip", "gzip")), answer("application/json", object), []string{"skipped undecodable"}},
		{"a bomb", coded("gzip", bomb), answer("application/json", object), []string{"skipped bomb"}},
		{"a bomb in a bomb", coded("gzip, gzip", packed(t, string(bomb), "gzip")), answer("application/json", object), []string{"skipped bomb"}},
		{"a small part with a large one behind it", coded("gzip", append(huge, packed(t, object, "gzip")...)), answer("application/json", object), []string{"skipped bomb"}},
		{"too large as it is", answer("text/plain", strings.Repeat("a", 8<<20+1)), answer("text/plain", "a"), []string{"skipped over_budget"}},
		{"a status is certain even so", coded("br", []byte("a")), compare.Answer{Status: 201, Header: coded("br", nil).Header, Body: []byte("b")}, []string{"mismatch", "status status: 200 → 201"}},
		{"brackets without end", answer("application/json", strings.Repeat("[", 100_000)), answer("application/json", "[]"), []string{"skipped over_budget"}},
		{"100,000 deep", answer("application/json", strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)), answer("application/json", "[]"), []string{"skipped over_budget"}},
		{"bytes that are no UTF-8", answer("application/json", "[\"\xe9\"]"), answer("application/json", "[\"é\"]"), []string{"mismatch", "value $[0]: \"\uFFFD\" → \"é\""}},
		{"the same bytes that are no UTF-8", answer("application/json", "[\"\xe9\"]"), answer("application/json", "[ \"\xe9\" ]"), []string{"match"}},
		{"other bytes", answer("image/png", "\x89PNG\x00"), answer("image/png", "\x89PNG\x01"), []string{"mismatch", "bytes body: " +
			"bytes (sha256:ad91235e882292469812e16da0b8fc77075a7c6d6f8760c24be14a5c792508cf, 5 bytes) → " +
			"bytes (sha256:871923f8e5535ef938edc1ea710d5cf9e18637ce5d39feccef23030823993e4e, 5 bytes)"}},
		{"text against bytes", answer("text/plain", "a"), answer("image/png", "b"), []string{"mismatch", "header header Content-Type: text/plain → image/png", "media body: text (text, 1 bytes) → bytes (bytes, 1 bytes)"}},
		{
			"JSON with another type", answer("text/html", object), answer("application/json", `{"a":2}`),
			[]string{"mismatch", "header header Content-Type: text/html → application/json", "value $.a: 1 → 2"},
		},
		{"JSON without a type", compare.Answer{Status: 200, Body: []byte(object)}, compare.Answer{Status: 200, Body: []byte(`{"a": 2}`)}, []string{"mismatch", "value $.a: 1 → 2"}},
		{"problem+json", answer("application/problem+json", object), answer("application/problem+json", `{"a": 1.0}`), []string{"match"}},
		{"a byte order mark on both sides", answer("application/json", "\uFEFF"+object), answer("application/json", "\uFEFF{\"a\": 1}"), []string{"match"}},
		{"records", answer("application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n"), answer("application/x-ndjson", "{\"a\":1}\n{\"a\":3}"), []string{"mismatch", "value $[1].a: 2 → 3"}},
		{
			"text by line", answer("text/plain", "a\nb\nc\nd\n"), answer("text/plain", "a\nc\nx\n"),
			[]string{"mismatch", "missing line 2: b → nothing", "text line 4: d → x"},
		},
		{"the end of the last line", answer("text/plain", "a\n"), answer("text/plain", "a"), []string{"mismatch", "missing line 2:  → nothing"}},
		{"nothing against something", answer("text/plain", ""), answer("text/plain", "a"), []string{"mismatch", "extra body: nothing → text (text, 1 bytes)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, compare.Compare(c.legacy, c.fresh, compare.Options{Bodies: true}), c.want...)
		})
	}
}

func TestTheAnswerToAHeadHasNoBody(t *testing.T) {
	legacy := compare.Answer{Status: 200, Header: header{"Content-Type": {"text/plain"}, "Content-Encoding": {"gzip"}, "Content-Length": {"7"}}}
	expect(t, compare.Compare(legacy, answer("text/plain", "a"), compare.Options{}), "match")
	expect(t, compare.Compare(legacy, answer("text/html", "a"), compare.Options{}), "mismatch", "header header Content-Type: text/plain → text/html")
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		name          string
		field         string
		legacy, fresh []string
		want          []string
	}{
		{"a media type in another spelling", "Content-Type", []string{`Text/HTML; Charset="UTF-8"; a=b`}, []string{"text/html;a=b;charset=utf-8"}, []string{"match"}},
		{"a charset", "Content-Type", []string{"text/html; charset=utf-8"}, []string{"text/html; charset=latin1"}, []string{"mismatch", "header header Content-Type: text/html; charset=utf-8 → text/html; charset=latin1"}},
		{"a set in another order", "Vary", []string{"Origin", "Accept"}, []string{"accept,origin"}, []string{"match"}},
		{"Vary by the coding", "Vary", []string{"Accept-Encoding"}, nil, []string{"match"}},
		{"Vary by something else", "Vary", []string{"Origin"}, nil, []string{"mismatch", "missing header Vary: origin → nothing"}},
		{"methods", "Allow", []string{"GET, PUT"}, []string{"PUT, GET, POST"}, []string{"mismatch", "header header Allow: GET, PUT → GET, POST, PUT"}},
		{"a cache", "Cache-Control", []string{"max-age=60, private"}, []string{"Private, max-age=60"}, []string{"match"}},
		{"a field that only new has", "Retry-After", nil, []string{"3"}, []string{"mismatch", "extra header Retry-After: nothing → 3"}},
		{"a field that nobody named", "X-Extra", nil, []string{"3"}, []string{"match"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			legacy, fresh := compare.Answer{Status: 200, Header: header{}}, compare.Answer{Status: 200, Header: header{}}
			legacy.Header[c.field], fresh.Header[c.field] = c.legacy, c.fresh
			expect(t, compare.Compare(legacy, fresh, compare.Options{Bodies: true}), c.want...)
		})
	}
}

func TestCookiesAreComparedOneByOne(t *testing.T) {
	at := func(cookies ...string) compare.Answer {
		return compare.Answer{Status: 200, Header: header{"Set-Cookie": cookies}}
	}
	o := compare.Options{Headers: []string{"Set-Cookie"}}
	expect(t, compare.Compare(
		at("a=1; Path=/; Expires=Mon, 23 Nov 2026 10:00:00 GMT", "b=2; httponly; SameSite=Lax"),
		at("b=2; samesite=lax; HttpOnly", "a=1; expires=Tue, 24 Nov 2026 10:00:00 GMT; path=/"), o), "match")
	expect(t, compare.Compare(
		at("a=1", "b=2; HttpOnly", "c=3"),
		at("d=4", "b=2", "a=9"), o), "mismatch",
		"value header Set-Cookie: a=1 → a=9", "header header Set-Cookie: b; httponly → b; ", "missing header Set-Cookie: c=3 → nothing", "extra header Set-Cookie: nothing → d=4")
}
