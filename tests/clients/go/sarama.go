// sarama's part.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

type ibm struct{ settings }

var saramaCodecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

func (s ibm) config() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Producer.Return.Errors = true
	config.Producer.Retry.Max = 60
	config.Producer.Retry.Backoff = 500 * time.Millisecond
	config.Metadata.Retry.Max = 60
	config.Net.MaxOpenRequests = 1
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	if tls := s.tls(); tls != nil {
		config.Net.TLS.Enable, config.Net.TLS.Config = true, tls
	}
	if s.Mechanism != "" {
		config.Net.SASL.Enable = true
		config.Net.SASL.Mechanism = sarama.SASLMechanism(s.Mechanism)
		config.Net.SASL.User, config.Net.SASL.Password = s.Username, s.Password
		config.Net.SASL.TokenProvider = token(s.Token)
		config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient {
			return &conversation{mechanism: s.Mechanism}
		}
	}
	return config
}

type token string

func (t token) Token() (*sarama.AccessToken, error) {
	return &sarama.AccessToken{Token: string(t)}, nil
}

type conversation struct {
	mechanism string
	*scram.ClientConversation
}

func (c *conversation) Begin(user, password, authorization string) error {
	var function scram.HashGeneratorFcn = func() hash.Hash { return sha256.New() }
	if c.mechanism == sarama.SASLTypeSCRAMSHA512 {
		function = func() hash.Hash { return sha512.New() }
	}
	client, err := function.NewClient(user, password, authorization)
	if err == nil {
		c.ClientConversation = client.NewConversation()
	}
	return err
}

func (s ibm) produce(codec string, values []string) error {
	config := s.config()
	config.Producer.Compression = saramaCodecs[codec]
	producer, err := sarama.NewSyncProducer([]string{s.Bootstrap}, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for i, value := range values {
		messages = append(messages, &sarama.ProducerMessage{
			Topic: s.Topic,
			Key:   sarama.StringEncoder(fmt.Sprintf("k%d", i)),
			Value: sarama.StringEncoder(value),
		})
	}
	return producer.SendMessages(messages)
}

type reader struct {
	lock   sync.Mutex
	values []string
	count  int
	done   chan struct{}
}

func (*reader) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*reader) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (r *reader) ConsumeClaim(
	session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim,
) error {
	for {
		select {
		case message, more := <-claim.Messages():
			if !more {
				return nil
			}
			session.MarkMessage(message, "")
			r.lock.Lock()
			r.values = append(r.values, string(message.Value))
			last := len(r.values) == r.count
			r.lock.Unlock()
			if last {
				session.Commit()
				close(r.done)
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func (s ibm) consume(topic string, count int, committedOnly bool) ([]string, error) {
	config := s.config()
	if committedOnly {
		config.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	group, err := sarama.NewConsumerGroup([]string{s.Bootstrap}, s.Group, config)
	if err != nil {
		return nil, err
	}
	defer group.Close()
	limited, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	r := &reader{count: count, done: make(chan struct{})}
	failed := make(chan error, 1)
	go func() {
		for limited.Err() == nil {
			if err := group.Consume(limited, []string{topic}, r); err != nil {
				failed <- err
				return
			}
		}
	}()
	select {
	case <-r.done:
	case err := <-failed:
		return nil, err
	case <-limited.Done():
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.values, nil
}

func (s ibm) committed(count int) error {
	admin, err := sarama.NewClusterAdmin([]string{s.Bootstrap}, s.config())
	if err != nil {
		return err
	}
	defer admin.Close()
	answer, err := admin.ListConsumerGroupOffsets(s.Group, nil)
	if err != nil {
		return err
	}
	var sum int64
	for _, partitions := range answer.Blocks {
		for _, block := range partitions {
			sum += block.Offset
		}
	}
	if sum != int64(count) {
		return fmt.Errorf("committed %d of %d", sum, count)
	}
	return nil
}

func (s ibm) writer() (sarama.SyncProducer, error) {
	config := s.config()
	config.Producer.Transaction.ID = s.TransactionalID
	config.Producer.Partitioner = sarama.NewHashPartitioner
	return sarama.NewSyncProducer([]string{s.Bootstrap}, config)
}

func (s ibm) transactions() error {
	producer, err := s.writer()
	if err != nil {
		return err
	}
	defer producer.Close()
	for _, word := range []string{"out", "in"} {
		if err := producer.BeginTxn(); err != nil {
			return err
		}
		for i := range 3 {
			value := sarama.StringEncoder(fmt.Sprintf("%s-%d", word, i))
			message := &sarama.ProducerMessage{Topic: s.Transactions, Key: value, Value: value}
			if _, _, err := producer.SendMessage(message); err != nil {
				return err
			}
		}
		end := producer.AbortTxn
		if word == "in" {
			end = producer.CommitTxn
		}
		if err := end(); err != nil {
			return err
		}
	}
	return nil
}

func (s ibm) refused() ([]string, []string, error) {
	idempotent, transactional := []string{}, []string{}
	producer, err := sarama.NewSyncProducer([]string{s.Bootstrap}, s.config())
	if err != nil {
		return nil, nil, err
	}
	defer producer.Close()
	for _, value := range []string{"good", "bad", "good", "good"} {
		idempotent = append(idempotent, s.outcome(producer, value))
	}
	writer, err := s.writer()
	if err != nil {
		return nil, nil, err
	}
	defer writer.Close()
	for _, values := range [][]string{{"good", "bad"}, {"good"}, {"good"}} {
		if err := writer.BeginTxn(); err != nil {
			transactional = append(transactional, "begin: "+err.Error())
			continue
		}
		for _, value := range values {
			transactional = append(transactional, s.outcome(writer, value))
		}
		if err := writer.CommitTxn(); err != nil {
			transactional = append(transactional, "commit: failed")
			if err := writer.AbortTxn(); err != nil {
				transactional = append(transactional, "abort: "+err.Error())
				continue
			}
			transactional = append(transactional, "abort")
			continue
		}
		transactional = append(transactional, "commit")
	}
	return idempotent, transactional, nil
}

func (s ibm) outcome(producer sarama.SyncProducer, value string) string {
	message := &sarama.ProducerMessage{
		Topic: s.Topic, Value: sarama.StringEncoder(value),
	}
	if key := keyOf(value); key != nil {
		message.Key = sarama.ByteEncoder(key)
	}
	if _, _, err := producer.SendMessage(message); err != nil {
		var code sarama.KError
		if errors.As(err, &code) {
			return fmt.Sprintf("%s: %d", value, int16(code))
		}
		return value + ": " + err.Error()
	}
	return value
}

func (s ibm) steady(started func()) (int, int, []string) {
	producer, err := sarama.NewAsyncProducer([]string{s.Bootstrap}, s.config())
	must(err)
	sent, acknowledged := 0, 0
	failures := []string{}
	var both sync.WaitGroup
	both.Go(func() {
		for range producer.Successes() {
			acknowledged++
		}
	})
	both.Go(func() {
		for failure := range producer.Errors() {
			failures = append(failures, failure.Err.Error())
		}
	})
	started()
	for !exists(s.Until) {
		value := sarama.StringEncoder(fmt.Sprintf("r-%d", sent))
		producer.Input() <- &sarama.ProducerMessage{Topic: s.Topic, Value: value}
		sent++
		time.Sleep(2 * time.Millisecond)
	}
	producer.AsyncClose()
	both.Wait()
	return sent, acknowledged, failures
}
