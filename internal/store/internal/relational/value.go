package relational

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// instant reads a time from either database: a timestamp, or microseconds since
// 1970. NULL is the zero time.
type instant struct {
	time.Time
}

// Scan implements sql.Scanner.
func (i *instant) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		i.Time = time.Time{}
	case time.Time:
		i.Time = v.UTC()
	case int64:
		i.Time = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time cannot be read from %T", value)
	}
	return nil
}

// orNull turns the zero time into NULL, and cuts any other to what both
// databases keep.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return kept(t)
}

// kept is t as both databases keep it: UTC, in microseconds.
func kept(t time.Time) time.Time {
	return t.UTC().Truncate(time.Microsecond)
}

// document reads JSON that may be NULL.
type document json.RawMessage

// Scan implements sql.Scanner.
func (d *document) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*d = nil
	case string:
		*d = document(v)
	case []byte:
		*d = bytes.Clone(v)
	default:
		return fmt.Errorf("JSON cannot be read from %T", value)
	}
	return nil
}

// compacted returns raw without white space, and nil for nothing or null. The
// result is stored byte for byte, because hashes are taken over bytes.
func compacted(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if !utf8.Valid(out.Bytes()) {
		return nil, fmt.Errorf("%w: JSON that is not UTF-8", rollout.ErrText)
	}
	return out.Bytes(), nil
}

// jsonOrNull is raw as a statement's argument.
func jsonOrNull(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return string(raw)
}

// checkText refuses what PostgreSQL cannot keep, so that both stores refuse alike.
func checkText(fields ...field) error {
	for _, f := range fields {
		if !keepable(f.text) {
			return fmt.Errorf("%w: %s %q holds a NUL byte or is not UTF-8; nothing was changed", rollout.ErrText, f.name, f.text)
		}
	}
	return nil
}

// keepable reports whether PostgreSQL takes a text, be it to keep it or to look for it.
func keepable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// field is a text and what to call it in an error.
type field struct {
	name, text string
}
