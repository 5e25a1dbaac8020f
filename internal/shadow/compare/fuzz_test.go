package compare_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// Whatever two bodies are: comparing ends, each equals itself, the sides can be
// swapped, and what is reported can be stored.
func FuzzCompare(f *testing.F) {
	mediaTypes := []string{"application/json", "application/x-ndjson", "text/plain", "image/png", ""}
	for _, pair := range [][2]string{
		{`{"a":[1,2.0e3,"\u00e9\ud83d"],"b":null}`, `{"b":false,"a":[2000,1]}`},
		{`[{"id":1},{"id":2}]`, `[{"id":2},{"id":1,"id":3}]`},
		{"a\nb\n\nc", "a\nc\n"},
		{"\xff\x00", "\xef\xbb\xbf{}"},
		{`[1,2,3,4]`, `[4,1,2,3,5]`},
		{`{"1":-0.0,"":1E+2}`, `{"":100,"1":0}`},
	} {
		for i := range mediaTypes {
			f.Add([]byte(pair[0]), []byte(pair[1]), byte(i))
		}
	}
	o := compare.Options{Bodies: true, Limits: compare.Limits{Depth: 50, Differences: 10}}
	ruledOptions := ruled(f, allRules()...)
	f.Fuzz(func(t *testing.T, legacy, fresh []byte, media byte) {
		a := answer(mediaTypes[int(media)%len(mediaTypes)], string(legacy))
		b := answer(a.Header["Content-Type"][0], string(fresh))
		if r := compare.Compare(a, a, o); r.Outcome != compare.Match {
			t.Errorf("an answer differs from itself: %v", told(r))
		}
		r, back := compare.Compare(a, b, o), compare.Compare(b, a, o)
		if r.Outcome != back.Outcome || r.Reason != back.Reason {
			t.Errorf("%v, and swapped %v", told(r), told(back))
		}
		if r.Outcome == compare.Match && compare.Compare(a, b, ruledOptions).Outcome == compare.Mismatch {
			t.Error("it matches, but not with rules")
		}
		if r.Outcome == compare.Mismatch == (len(r.Differences) == 0) {
			t.Errorf("outcome %d with %d differences", r.Outcome, len(r.Differences))
		}
		for _, d := range r.Differences {
			for _, text := range []string{d.Where, d.Path, d.Legacy.Text, d.New.Text} {
				if !utf8.ValidString(text) || len(text) > compare.MaxText {
					t.Errorf("%q is no text to store", text)
				}
			}
		}
	})
}

// What we take for JSON is what the standard library takes for it.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{`{"a":[1,-2.50e+3,"\u00e9"],"b":null}`, `[01]`, `"\x"`, "[1,]", "{,}", "1.", "-", "\"\n\"", "truee", "\xff", " [ ] ", "\"\\ud8\""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		const other = `{"something": "else"}`
		r := inJSON(other, string(text), compare.Options{Limits: compare.Limits{Depth: 10_000}})
		if len(text) == 0 || r.Outcome != compare.Mismatch {
			return
		}
		if isJSON := r.Differences[0].Kind != compare.KindMedia; isJSON != json.Valid(text) {
			t.Errorf("%q: we say JSON %v, the standard library %v", text, isJSON, !isJSON)
		}
	})
}

// What is decoded is what the standard library decodes, and never more than
// what is allowed.
func FuzzDecode(f *testing.F) {
	codings := []string{"gzip", "deflate", "deflate, gzip"}
	for i := range codings {
		f.Add(packed(f, "some text, some text", "gzip"), byte(i))
		f.Add(packed(f, "some text, some text", "zlib"), byte(i))
		f.Add(packed(f, "some text, some text", "raw"), byte(i))
		f.Add(packed(f, "some text, some text", "raw", "gzip"), byte(i))
	}
	const most = 4 << 10
	f.Fuzz(func(t *testing.T, body []byte, which byte) {
		coding := codings[int(which)%len(codings)]
		a := compare.Answer{Status: 200, Header: header{"Content-Encoding": {coding}, "Content-Type": {"text/plain"}}, Body: body}
		decoded, ok := inflated(body, coding)
		r := compare.Compare(a, answer("text/plain", string(decoded)), compare.Options{Bodies: true, Limits: compare.Limits{Decoded: most}})
		switch {
		case len(body) == 0:
		case ok && len(decoded) <= most && r.Outcome != compare.Match:
			t.Errorf("%d bytes of %s: %v", len(decoded), coding, told(r))
		case !ok && r.Outcome != compare.Skipped:
			t.Errorf("it cannot be decoded: %v", told(r))
		case len(decoded) > most && r.Reason != compare.ReasonOverBudget && r.Reason != compare.ReasonBomb:
			t.Errorf("%d bytes: %v", len(decoded), told(r))
		}
	})
}

func inflated(body []byte, coding string) ([]byte, bool) {
	source := bytes.NewReader(body)
	var reader io.Reader
	var err error
	switch coding {
	case "deflate, gzip":
		inner, ok := inflated(body, "gzip")
		if !ok {
			return nil, false
		}
		return inflated(inner, "deflate")
	case "gzip":
		reader, err = gzip.NewReader(source)
	default:
		if reader, err = zlib.NewReader(source); err != nil {
			source.Reset(body)
			reader, err = flate.NewReader(source), nil
		}
	}
	if err != nil {
		return nil, false
	}
	decoded, err := io.ReadAll(io.LimitReader(reader, 1<<20))
	return decoded, err == nil && (source.Len() == 0 || len(decoded) == 1<<20)
}
