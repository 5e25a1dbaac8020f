package compare

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// media is how a body is compared.
type media uint8

const (
	mediaUnknown media = iota // it has no Content-Type
	mediaBytes
	mediaText
	mediaJSON
	mediaRecords // JSON values one after the other, one a line
)

// mediaOf reads a Content-Type.
func mediaOf(header map[string][]string) media {
	if len(header["Content-Type"]) == 0 {
		return mediaUnknown
	}
	text, _, _ := strings.Cut(header["Content-Type"][0], ";")
	text = strings.ToLower(strings.TrimSpace(text))
	family, kind, _ := strings.Cut(text, "/")
	switch {
	case text == "":
		return mediaUnknown
	case kind == "json" || strings.HasSuffix(kind, "+json"):
		return mediaJSON
	case slices.Contains([]string{"x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines"}, kind):
		return mediaRecords
	case family == "text" || kind == "xml" || strings.HasSuffix(kind, "+xml") || strings.HasSuffix(kind, "yaml"),
		slices.Contains([]string{"javascript", "x-javascript", "ecmascript", "graphql", "sql", "toml", "x-www-form-urlencoded"}, kind):
		return mediaText
	default:
		return mediaBytes
	}
}

// sniffed is what a body without a Content-Type may be. Whether it is JSON
// after all shows when it is read.
func sniffed(body []byte) media {
	start := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(start) > 0 && (start[0] == '{' || start[0] == '['):
		return mediaJSON
	case utf8.Valid(body) && bytes.IndexByte(body, 0) < 0:
		return mediaText
	default:
		return mediaBytes
	}
}

// agreed returns what to compare two bodies as: as the more telling of both,
// where one side says less than the other.
func agreed(legacy, fresh media, l, f []byte) media {
	if legacy == mediaUnknown && fresh == mediaUnknown {
		return min(sniffed(l), sniffed(f))
	}
	return max(legacy, fresh)
}

// body is one side's, decoded.
type body struct {
	media media
	data  []byte
}

// describe says what a body is and nothing of what is in it.
func (b body) describe(note string) Value {
	kind := "bytes"
	switch b.media {
	case mediaJSON, mediaRecords:
		kind = "json"
	case mediaText:
		kind = "text"
	}
	return Value{Type: kind, Text: fmt.Sprintf("%s%s, %d bytes", kind, note, len(b.data))}
}
