// franz-go's part.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type franz struct{ settings }

func (f franz) client(more ...kgo.Opt) (*kgo.Client, error) {
	options := []kgo.Opt{kgo.SeedBrokers(f.Bootstrap), kgo.RecordDeliveryTimeout(time.Minute)}
	if config := f.tls(); config != nil {
		options = append(options, kgo.DialTLSConfig(config))
	}
	login := scram.Auth{User: f.Username, Pass: f.Password}
	switch f.Mechanism {
	case "PLAIN":
		auth := plain.Auth{User: f.Username, Pass: f.Password}
		options = append(options, kgo.SASL(auth.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(login.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(login.AsSha512Mechanism()))
	case "OAUTHBEARER":
		options = append(options, kgo.SASL(oauth.Auth{Token: f.Token}.AsMechanism()))
	}
	return kgo.NewClient(append(options, more...)...)
}

var franzCodecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func (f franz) produce(codec string, values []string) error {
	client, err := f.client(kgo.ProducerBatchCompression(franzCodecs[codec]))
	if err != nil {
		return err
	}
	defer client.Close()
	var records []*kgo.Record
	for i, value := range values {
		key := fmt.Appendf(nil, "k%d", i)
		records = append(records, &kgo.Record{Topic: f.Topic, Key: key, Value: []byte(value)})
	}
	return client.ProduceSync(context.Background(), records...).FirstErr()
}

func (f franz) consume(topic string, count int, committedOnly bool) ([]string, error) {
	level := kgo.ReadUncommitted()
	if committedOnly {
		level = kgo.ReadCommitted()
	}
	client, err := f.client(
		kgo.ConsumerGroup(f.Group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(level),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	limited, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	var values []string
	for len(values) < count && limited.Err() == nil {
		fetches := client.PollFetches(limited)
		if err := fetches.Err(); err != nil {
			return values, err
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values, client.CommitUncommittedOffsets(context.Background())
}

func (f franz) committed(count int) error {
	client, err := f.client()
	if err != nil {
		return err
	}
	defer client.Close()
	request := kmsg.NewPtrOffsetFetchRequest()
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = f.Group
	request.Group, request.Groups = f.Group, append(request.Groups, group)
	answer, err := request.RequestWith(context.Background(), client)
	if err != nil {
		return err
	}
	var sum int64
	for _, group := range answer.Groups {
		for _, topic := range group.Topics {
			for _, partition := range topic.Partitions {
				sum += partition.Offset
			}
		}
	}
	if sum != int64(count) {
		return fmt.Errorf("committed %d of %d", sum, count)
	}
	return nil
}

func (f franz) transactions() error {
	client, err := f.client(kgo.TransactionalID(f.TransactionalID))
	if err != nil {
		return err
	}
	defer client.Close()
	for _, word := range []string{"out", "in"} {
		if err := client.BeginTransaction(); err != nil {
			return err
		}
		for i := range 3 {
			value := fmt.Appendf(nil, "%s-%d", word, i)
			record := &kgo.Record{Topic: f.Transactions, Key: value, Value: value}
			if err := client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
				return err
			}
		}
		end := kgo.TransactionEndTry(word == "in")
		if err := client.EndTransaction(context.Background(), end); err != nil {
			return err
		}
	}
	return nil
}

func (f franz) refused() ([]string, []string, error) {
	idempotent, transactional := []string{}, []string{}
	client, err := f.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	for _, value := range []string{"good", "bad", "good", "good"} {
		idempotent = append(idempotent, f.outcome(client, value))
	}
	writer, err := f.client(
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(f.TransactionalID),
	)
	if err != nil {
		return nil, nil, err
	}
	defer writer.Close()
	for _, values := range [][]string{{"good", "bad"}, {"good"}, {"good"}} {
		if err := writer.BeginTransaction(); err != nil {
			transactional = append(transactional, "begin: "+err.Error())
			continue
		}
		good := true
		for _, value := range values {
			outcome := f.outcome(writer, value)
			good = good && outcome == value
			transactional = append(transactional, outcome)
		}
		// Its users end a transaction by what has become of the records.
		end, name := kgo.TryCommit, "commit"
		if !good {
			end, name = kgo.TryAbort, "abort"
		}
		if err := writer.EndTransaction(context.Background(), end); err != nil {
			name += ": " + franzName(err)
		}
		transactional = append(transactional, name)
	}
	return idempotent, transactional, nil
}

func (f franz) outcome(client *kgo.Client, value string) string {
	record := &kgo.Record{Topic: f.Topic, Key: keyOf(value), Value: []byte(value)}
	if err := client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
		return value + ": " + franzName(err)
	}
	return value
}

func franzName(err error) string {
	var known *kerr.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}

func (f franz) steady(started func()) (int, int, []string) {
	client, err := f.client()
	must(err)
	var acknowledged atomic.Int64
	failures := make(chan string, 1_000_000)
	sent := 0
	started()
	for !exists(f.Until) {
		value := fmt.Appendf(nil, "r-%d", sent)
		record := &kgo.Record{Topic: f.Topic, Value: value}
		client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
			if err != nil {
				failures <- err.Error()
				return
			}
			acknowledged.Add(1)
		})
		sent++
		time.Sleep(2 * time.Millisecond)
	}
	must(client.Flush(context.Background()))
	client.Close()
	return sent, int(acknowledged.Load()), drained(failures)
}

func drained(failures chan string) []string {
	found := []string{}
	for len(failures) > 0 {
		found = append(found, <-failures)
	}
	return found
}
