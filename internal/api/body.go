package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"unicode"
	"unicode/utf8"
)

// maxLine bounds a reason and the like, in bytes.
const maxLine = 2000

// readJSON reads the body into value. Unknown fields, a second value and other
// media types are refused. An empty body leaves value as it is.
func readJSON(r *http.Request, value any) error {
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields()
	err := body.Decode(value)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if wrong := expect(r, "application/json"); wrong != nil {
		return wrong
	}
	if err == nil {
		err = ended(body)
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge || err == nil {
		return err
	}
	return badRequest("bad_json", fmt.Sprintf("the body is not the JSON that is wanted: %v", err), "")
}

// ended checks that nothing follows the value that was read.
func ended(body *json.Decoder) error {
	_, err := body.Token()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return errors.New("more follows after the end of the JSON value")
	default:
		return err
	}
}

// cutShort is for a body that ends too early or is too large.
func cutShort(err error) error {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return err
	}
	return badRequest("bad_body", fmt.Sprintf("the body cannot be read: %v", err), "")
}

// expect refuses other media types. A form on another site's page can send
// none of those that are expected.
func expect(r *http.Request, types ...string) error {
	sent := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(sent)
	if err == nil && slices.Contains(types, media) {
		return nil
	}
	return newProblem(http.StatusUnsupportedMediaType, "wrong_media_type", "The body has the wrong media type.",
		fmt.Sprintf("Content-Type is %q and has to be %s; nothing was changed", sent, types[0]), "")
}

// checkLine keeps free text to one line: it is shown in terminals and logs.
func checkLine(what, text string) error {
	if len(text) > maxLine {
		return badRequest("bad_"+what, fmt.Sprintf("the %s has %d bytes, at most %d are kept", what, len(text), maxLine), "")
	}
	if !utf8.ValidString(text) {
		return badRequest("bad_"+what, "the "+what+" is not UTF-8", "")
	}
	for i, c := range text {
		// Marks of direction and other ends of lines let a text show as another one.
		if unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return badRequest("bad_"+what, fmt.Sprintf("the %s has the control character %U at byte %d", what, c, i), "write it as one line")
		}
	}
	return nil
}
