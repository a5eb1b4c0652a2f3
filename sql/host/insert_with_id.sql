-- A host that was not known. ?1: id; ?2: key (model::Host::key); ?3: the same for people.
INSERT INTO host (id, key, text) VALUES (?1, ?2, ?3);
