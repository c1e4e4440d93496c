<?php
// Sets up a WordPress on an empty database, from the command line, with an administrator and an
// author who write through the REST interface. Answers with their passwords, as JSON.
define('WP_INSTALLING', true);
require $argv[1] . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';

wp_install('La Voz', 'admin', 'admin@example.org', false, '', 'never used');
update_option('permalink_structure', '');
update_option('embed_size_w', 600);
switch_theme('twentytwentythree');
$author = wp_create_user('author', 'never used either', 'author@example.org');
(new WP_User($author))->set_role('author');
$passwords = [];
foreach (['admin' => 1, 'author' => $author] as $name => $id) {
    $made = WP_Application_Passwords::create_new_application_password($id, ['name' => 'tests']);
    $passwords[$name] = $made[0];
}
echo json_encode($passwords);
