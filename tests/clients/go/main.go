// franz-go and sarama in one cell of the client matrix: clients franz-go|sarama SETTINGS.json
//
// What SETTINGS.json holds and what is printed: see the module doc of `run` in the folder above.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

type settings struct {
	Do              string
	Bootstrap       string
	Security        string
	CA              string
	Cert            string
	Key             string
	Mechanism       string
	Username        string
	Password        string
	Token           string
	Topic           string
	Transactions    string
	Group           string
	TransactionalID string `json:"transactional_id"`
	Records         int
	Codecs          []string
	Until           string
}

// client is what each of the two libraries does in its own words.
type client interface {
	produce(codec string, values []string) error
	consume(topic string, count int, committedOnly bool) ([]string, error)
	committed(count int) error
	transactions() error
	refused() (idempotent []string, transactional []string, err error)
	steady(started func()) (sent int, acknowledged int, errors []string)
}

func main() {
	text, err := os.ReadFile(os.Args[2])
	must(err)
	var s settings
	must(json.Unmarshal(text, &s))
	var c client = franz{s}
	if os.Args[1] == "sarama" {
		c = ibm{s}
	}
	switch s.Do {
	case "matrix":
		matrix(c, s)
	case "refused":
		idempotent, transactional, err := c.refused()
		must(err)
		say(map[string]any{"step": "idempotent", "outcomes": idempotent})
		say(map[string]any{"step": "transactional", "outcomes": transactional})
	default:
		sent, acknowledged, errors := c.steady(func() { say(map[string]any{"step": "started"}) })
		say(map[string]any{
			"step": "steady", "sent": sent, "acknowledged": acknowledged, "errors": errors,
		})
	}
}

func matrix(c client, s settings) {
	var all []string
	for _, codec := range s.Codecs {
		var values []string
		for i := range s.Records {
			values = append(values, fmt.Sprintf("%s-%d", codec, i))
		}
		step("produce "+codec, func() error { return c.produce(codec, values) })
		all = append(all, values...)
	}
	step("consume in a group", func() error { return readBack(c, s.Topic, all, false) })
	step("committed offsets", func() error { return c.committed(len(all)) })
	step("transaction", func() error {
		if err := c.transactions(); err != nil {
			return err
		}
		return readBack(c, s.Transactions, []string{"in-0", "in-1", "in-2"}, true)
	})
}

func readBack(c client, topic string, wanted []string, committedOnly bool) error {
	read, err := c.consume(topic, len(wanted), committedOnly)
	if err != nil {
		return err
	}
	slices.Sort(read)
	wanted = slices.Sorted(slices.Values(wanted))
	if !slices.Equal(read, wanted) {
		return fmt.Errorf("read %d of %d values", len(read), len(wanted))
	}
	return nil
}

func step(name string, action func() error) {
	line := map[string]any{"step": name}
	if err := action(); err != nil {
		line["error"] = err.Error()
	}
	say(line)
}

func say(line map[string]any) {
	text, err := json.Marshal(line)
	must(err)
	fmt.Println(string(text))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// keyOf gives no key to a bad record: a compacted topic refuses it, as a rule does.
func keyOf(value string) []byte {
	if value == "bad" {
		return nil
	}
	return []byte("key")
}

func (s settings) tls() *tls.Config {
	if s.CA == "" {
		return nil
	}
	text, err := os.ReadFile(s.CA)
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if s.Cert != "" {
		pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
		must(err)
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}
