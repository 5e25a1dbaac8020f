package relational

import (
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"
)

// anyBytes is a text that may hold any bytes, as requests and responses do. In
// JSON it is a string, and what is not UTF-8 an object {"base64": …}: neither
// database has to keep it as a text, and every byte comes back.
type anyBytes string

type inBase64 struct {
	Base64 string `json:"base64"`
}

// MarshalJSON implements json.Marshaler.
func (a anyBytes) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(a)) {
		return json.Marshal(string(a))
	}
	return json.Marshal(inBase64{base64.StdEncoding.EncodeToString([]byte(a))})
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *anyBytes) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, (*string)(a))
	}
	var coded inBase64
	if err := json.Unmarshal(text, &coded); err != nil {
		return err
	}
	plain, err := base64.StdEncoding.DecodeString(coded.Base64)
	*a = anyBytes(plain)
	return err
}
