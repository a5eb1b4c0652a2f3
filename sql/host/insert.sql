-- A host that was not known. ?1: key (model::Host::key); ?2: the same for people.
INSERT INTO host (key, text) VALUES (?1, ?2);
